#include "queryd/limit.h"

#include "base/clock.h"
#include "base/hex.h"
#include "meta/rate.h"
#include "meta/signin.h"
#include "queryd/route.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define QUEUE_RETRY_S "2"

/* ---- what is counted as what ---- */

enum kind { KIND_SIGNIN, KIND_SEARCH, KIND_READ, KIND_EXPORT, KIND_ADMINISTRATION, KIND_TOKEN, KIND_ADDRESS, KIND_QUEUE, KINDS };

static const char *const kind_names[KINDS] = {
	[KIND_SIGNIN] = "signin",
	[KIND_SEARCH] = "search",
	[KIND_READ] = "read",
	[KIND_EXPORT] = "export",
	[KIND_ADMINISTRATION] = "administration",
	[KIND_TOKEN] = "token",
	[KIND_ADDRESS] = "address",
	[KIND_QUEUE] = "queue",
};
static _Atomic int64_t refusal_cells[KINDS];

const struct metric limit_refusals = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_queryd_limited_total",
	.help = "Requests that were not taken because a limit was reached, by limit.",
	.labels = { { "limit", kind_names, KINDS } },
	.cells = refusal_cells,
};

static enum kind kind_of(const struct route *r)
{
	static const struct {
		const char *permission;
		enum kind kind;
	} kinds[] = { { "ARCHIVE_SEARCH", KIND_SEARCH }, { "ARCHIVE_READ", KIND_READ }, { "ARCHIVE_EXPORT", KIND_EXPORT } };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(r->permission, kinds[i].permission) == 0)
			return kinds[i].kind;
	return KIND_ADMINISTRATION;
}

/* ---- counting ---- */

static int count(struct call *c, const char *name, int64_t now_us, uint64_t by, uint64_t *n_r, struct err *e)
{
	if (cache_count(c->service->cache, name, now_us, LIMIT_WINDOW_US, by, n_r))
		return 0;
	return meta_rate_count(c->service->meta, name, now_us, LIMIT_WINDOW_US, by, n_r, e);
}

static void refuse(struct call *c, enum kind kind, int64_t now_us)
{
	char seconds[24];

	metric_add(&limit_refusals, kind, 1);
	response_problem_named(&c->response, 429, "limit", "%s. Wait until the time in Retry-After has passed.",
		kind == KIND_SIGNIN ? "Too many attempts" : "Too many requests");
	snprintf(seconds, sizeof(seconds), "%" PRId64,
		(LIMIT_WINDOW_US - now_us % LIMIT_WINDOW_US) / CLOCK_SECOND + 1);
	response_header(&c->response, "Retry-After", seconds);
}

int limit_take(struct call *c, const char *name, uint64_t max, struct err *e)
{
	int64_t now_us = clock_now_us();
	uint64_t n;

	if (count(c, name, now_us, 1, &n, e))
		return -1;
	if (n <= max)
		return 1;
	if (n == max + 1)
		log_warn(&c->log, "no more attempts are taken for a while: over %" PRIu64 " of %s", max, name);
	refuse(c, KIND_SIGNIN, now_us);
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

int limit_signin_network(struct call *c, struct err *e)
{
	char network[NET_NAME_SIZE];

	network_of(network, c->request->client);
	return take_named(c, "address", network, c->service->conf->queryd_signin_per_address_max, e);
}

int limit_signin_proved(struct call *c, const char *subject, struct err *e)
{
	char user[SHA256_TEXT_SIZE];

	hash_user(user, subject, "");
	return take_named(c, "provider", user, c->service->conf->queryd_signin_per_user_max, e);
}

int limit_signin(struct call *c, const char *username, struct err *e)
{
	const struct conf *conf = c->service->conf;
	char network[NET_NAME_SIZE], user[SHA256_TEXT_SIZE], user_there[SHA256_TEXT_SIZE];

	network_of(network, c->request->client);
	hash_user(user, username, "");
	hash_user(user_there, username, network);
	int may = limit_signin_network(c, e);

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

/* ---- of those who are signed in ---- */

/* Takes a part of what the window allows, and uses one of it. 1; 0: there is nothing left; -1. */
static int take_part(struct call *c, const char *name, uint64_t max, int64_t now_us, struct err *e)
{
	uint64_t part = allowance_part(max), n;

	if (count(c, name, now_us, part, &n, e))
		return -1;
	uint64_t before = n - part, granted = before >= max ? 0 : n <= max ? part : max - before;

	allowance_add(c->service->allowances, name, now_us / LIMIT_WINDOW_US, granted ? granted - 1 : 0, n >= max);
	if (n >= max && before < max)
		log_warn(&c->log, "no more requests are taken for a while: %" PRIu64 " of %s are used up", max, name);
	return granted > 0;
}

static int use(struct call *c, enum kind kind, const char *whose, uint64_t max)
{
	int64_t now_us = clock_now_us();
	char name[ALLOWANCE_NAME_SIZE];
	struct err e;

	snprintf(name, sizeof(name), "use:%s:%s", kind_names[kind], whose);
	enum allowance known = allowance_use(c->service->allowances, name, now_us / LIMIT_WINDOW_US);
	int may = known == ALLOWANCE_ASK ? take_part(c, name, max, now_us, &e) : known == ALLOWANCE_TAKEN;

	if (may > 0)
		return 0;
	if (may == 0) {
		refuse(c, kind, now_us);
	} else {
		log_error(&c->log, "%s", e.text);
		response_unavailable(&c->response, "Requests can't be counted at the moment.");
	}
	return -1;
}

int limit_stranger(struct call *c)
{
	char network[NET_NAME_SIZE];

	network_of(network, c->request->client);
	return use(c, KIND_ADDRESS, network, c->service->conf->queryd_requests_per_address_max);
}

int limit_request(struct call *c)
{
	const struct conf *conf = c->service->conf;
	const uint64_t maxima[KINDS] = {
		[KIND_SEARCH] = conf->queryd_searches_per_user_max,
		[KIND_READ] = conf->queryd_reads_per_user_max,
		[KIND_EXPORT] = conf->queryd_exports_per_user_max,
		[KIND_ADMINISTRATION] = conf->queryd_administration_per_user_max,
	};
	enum kind kind = kind_of(c->route);
	char account[24], session[UUID_TEXT_SIZE];

	snprintf(account, sizeof(account), "%" PRIu64, c->account.id);
	uuid_format(session, &c->session.id);
	if (use(c, KIND_TOKEN, session, conf->queryd_requests_per_token_max))
		return -1;
	return use(c, kind, account, maxima[kind]);
}

/* ---- turns ---- */

static bool takes_turns(const struct call *c)
{
	return c->route->turn || (c->route->permission && c->route->action && kind_of(c->route) == KIND_SEARCH);
}

int limit_enter(struct call *c)
{
	int64_t deadline_us = clock_monotonic_us() + c->service->conf->queryd_request_timeout_us / 2;

	if (!takes_turns(c))
		return 0;
	enum turn turn = turns_take(c->service->turns, c->account.id, deadline_us);

	if (turn == TURN_TAKEN)
		return 0;
	metric_add(&limit_refusals, KIND_QUEUE, 1);
	if (turn == TURN_LATE) {
		response_unavailable(&c->response, "Too many searches are running. Try again later.");
		return -1;
	}
	response_problem_named(&c->response, 429, "limit", "Too many searches of this account are waiting.");
	response_header(&c->response, "Retry-After", QUEUE_RETRY_S);
	return -1;
}

void limit_leave(struct call *c)
{
	if (takes_turns(c))
		turns_give(c->service->turns, c->account.id);
}
