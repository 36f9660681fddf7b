#include "queryd/limit.h"

#include "base/clock.h"
#include "base/hex.h"
#include "meta/rate.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int count(struct call *c, const char *name, int64_t now_us, uint64_t *n_r, struct err *e)
{
	if (cache_count(c->service->cache, name, now_us, LIMIT_WINDOW_US, n_r))
		return 0;
	return meta_rate_count(c->service->meta, name, now_us, LIMIT_WINDOW_US, n_r, e);
}

static void refuse(struct call *c, int64_t now_us)
{
	char seconds[24];

	response_problem(&c->response, 429, "Too many attempts. Wait until the time in Retry-After has passed.");
	snprintf(seconds, sizeof(seconds), "%" PRId64,
		(LIMIT_WINDOW_US - now_us % LIMIT_WINDOW_US) / CLOCK_SECOND + 1);
	response_header(&c->response, "Retry-After", seconds);
}

int limit_take(struct call *c, const char *name, uint64_t max, struct err *e)
{
	int64_t now_us = clock_now_us();
	uint64_t n;

	if (count(c, name, now_us, &n, e))
		return -1;
	if (n <= max)
		return 1;
	if (n == max + 1)
		log_warn(&c->log, "no more attempts are taken for a while: over %" PRIu64 " of %s", max, name);
	refuse(c, now_us);
	return 0;
}

/* "192.0.2.1", or the 64 bits of an IPv6 network: whoever has one has all its addresses. */
static void name_address(char *to, size_t size, const char *client)
{
	char text[NET_NAME_SIZE];
	struct in6_addr v6;

	snprintf(text, sizeof(text), "%s", *client == '[' ? client + 1 : client);
	text[strcspn(text, *client == '[' ? "]" : ":")] = '\0';
	if (*client == '[' && inet_pton(AF_INET6, text, &v6) == 1)
		hex_encode(text, v6.s6_addr, 8);
	snprintf(to, size, "signin:address:%s", text);
}

/* Of any length and any bytes: by its hash. */
static void name_user(char *to, size_t size, const char *username)
{
	uint8_t hash[SHA256_SIZE];
	char text[SHA256_TEXT_SIZE];

	sha256_of(username, strlen(username), hash);
	hex_encode(text, hash, sizeof(hash));
	snprintf(to, size, "signin:user:%s", text);
}

int limit_signin(struct call *c, const char *username, struct err *e)
{
	const struct conf *conf = c->service->conf;
	char name[128];

	name_address(name, sizeof(name), c->request->client);
	int may = limit_take(c, name, conf->queryd_signin_per_address_max, e);

	if (may <= 0)
		return may;
	name_user(name, sizeof(name), username);
	return limit_take(c, name, conf->queryd_signin_per_user_max, e);
}
