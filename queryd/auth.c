#include "queryd/auth.h"

#include "base/clock.h"
#include "base/str.h"
#include "cache/token_floor.h"
#include "queryd/token.h"

#include <string.h>

#define SCHEME "Bearer "

/* The account was read a moment ago, perhaps from a replica that is behind: tokens that ended since may be known to the
 * cache. It can only end one: a token of an older generation than the account's is dead whatever it says. */
static bool has_ended(struct call *c, const struct token_claims *claims)
{
	char name[TOKEN_FLOOR_NAME_SIZE];
	uint64_t floor;

	return cache_get(c->service->cache, token_floor_name(name, claims->account_id), &floor) && claims->generation < floor;
}

/* RFC 6750: no error code when no token was sent at all. */
static int refuse(struct call *c, bool sent)
{
	response_problem(&c->response, 401, "%s",
		sent ? "The access token is not valid, or no longer. Sign in again." :
		       "This resource needs an access token. Sign in at /api/v1/auth/login.");
	response_header(&c->response, "WWW-Authenticate",
		sent ? "Bearer realm=\"strongroom\", error=\"invalid_token\"" : "Bearer realm=\"strongroom\"");
	return -1;
}

int auth_bearer(struct call *c)
{
	const char *header = c->request->authorization;
	struct token_claims claims;
	struct err e;

	if (!header || !str_istarts(header, SCHEME))
		return refuse(c, false);
	const char *token = header + strlen(SCHEME);

	if (token_verify(c->service->keyring, token + strspn(token, " "), clock_now_us() / CLOCK_SECOND, &claims, &e) < 0) {
		log_info(&c->log, "%s", e.text);
		return refuse(c, true);
	}
	int found = meta_account_by_id(c->service->meta, claims.account_id, &c->account, &e);

	if (found < 0) {
		log_error(&c->log, "%s", e.text);
		response_unavailable(&c->response, "Accounts can't be read at the moment.");
		return -1;
	}
	if (!found || c->account.disabled || c->account.token_generation != claims.generation ||
		has_ended(c, &claims)) {
		if (found)
			account_deinit(&c->account);
		c->account = (struct account){ 0 };
		log_info(&c->log, "token of account %llu is revoked", (unsigned long long)claims.account_id);
		return refuse(c, true);
	}
	log_context_set(&c->log, "user", c->account.username);
	return 0;
}

/* A token is given for a one-time code and lives no longer than that counts as lately. */
int auth_fresh(struct call *c)
{
	(void)c;
	return 0;
}
