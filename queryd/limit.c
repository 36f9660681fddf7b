#include "queryd/limit.h"

#include "base/clock.h"
#include "base/hex.h"
#include "meta/rate.h"
#include "meta/signin.h"

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
static void network_of(char text[NET_NAME_SIZE], const char *client)
{
	struct in6_addr v6;

	snprintf(text, NET_NAME_SIZE, "%s", *client == '[' ? client + 1 : client);
	text[strcspn(text, *client == '[' ? "]" : ":")] = '\0';
	if (*client == '[' && inet_pton(AF_INET6, text, &v6) == 1)
		hex_encode(text, v6.s6_addr, 8);
}

/* User names are of any length and any bytes. network: "" for none. */
static void hash_user(char hex[SHA256_TEXT_SIZE], const char *username, const char *network)
{
	_free_ char *both = mem_printf("%s%s%s", network, *network ? " " : "", username); /* no network has a blank */
	uint8_t hash[SHA256_SIZE];

	sha256_of(both, strlen(both), hash);
	hex_encode(hex, hash, sizeof(hash));
}

static int take_named(struct call *c, const char *kind, const char *what, uint64_t max, struct err *e)
{
	_free_ char *name = mem_printf("signin:%s:%s", kind, what);

	return limit_take(c, name, max, e);
}

int limit_signin(struct call *c, const char *username, struct err *e)
{
	const struct conf *conf = c->service->conf;
	char network[NET_NAME_SIZE], user[SHA256_TEXT_SIZE], user_there[SHA256_TEXT_SIZE];

	network_of(network, c->request->client);
	hash_user(user, username, "");
	hash_user(user_there, username, network);
	int may = take_named(c, "address", network, conf->queryd_signin_per_address_max, e);

	if (may <= 0)
		return may;
	int known = meta_signin_known(c->service->meta, user_there, clock_now_us(), e);

	if (known < 0)
		return -1;
	return take_named(c, known ? "known" : "user", known ? user_there : user, conf->queryd_signin_per_user_max, e);
}

void limit_signin_succeeded(struct call *c, const char *username)
{
	char network[NET_NAME_SIZE], user_there[SHA256_TEXT_SIZE];
	int64_t now_us = clock_now_us();
	struct err e;

	network_of(network, c->request->client);
	hash_user(user_there, username, network);
	if (meta_signin_note(c->service->meta, user_there, now_us, now_us + LIMIT_KNOWN_US, &e))
		log_warn(&c->log, "from where this user signed in is not noted: %s", e.text);
}
