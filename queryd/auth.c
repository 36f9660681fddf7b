#include "queryd/auth.h"

#include "base/clock.h"
#include "base/str.h"
#include "cache/token_floor.h"
#include "meta/service.h"
#include "queryd/audit.h"
#include "queryd/route.h"
#include "queryd/service_accounts.h"
#include "queryd/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "Bearer "

/* The session was read a moment ago, perhaps from a database that is behind: what has ended since may be known to the cache,
 * which can only end one. */
static bool has_ended(struct call *c)
{
	char account[TOKEN_FLOOR_NAME_SIZE], session[SESSION_END_NAME_SIZE];
	struct cache *cache = c->service->cache;
	uint64_t floor, ended;

	return (cache_get(cache, token_floor_name(account, c->account.id), &floor) && c->session.generation < floor) ||
		(cache_get(cache, session_end_name(session, &c->session.id), &ended) && ended);
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

static int fail(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "Accounts can't be read at the moment.");
	return -1;
}

/* Why the token of a program is refused; NULL: it is not. */
static const char *objection(const struct call *c, bool found, const uint8_t certificate[SHA256_SIZE])
{
	const struct request *r = c->request;

	if (!found)
		return "it is not known";
	if (c->account.disabled)
		return "the account is disabled";
	if (!r->certified)
		return "no certificate was shown";
	return memcmp(certificate, r->certificate, SHA256_SIZE) == 0 ? NULL : "it is bound to another certificate";
}

/* Whose token it is is known: somebody else may have it now. */
static int record_refused(struct call *c, const char *why)
{
	_json_ cJSON *j = cJSON_CreateObject();

	json_add_str(j, "refused", why);
	_free_ char *detail = json_print(j);

	return audit_intent(c, NULL, "token", detail);
}

/* What a program shows: the token, on a connection with the certificate that it is bound to. */
static int auth_service(struct call *c, const char *token)
{
	uint8_t hash[SHA256_SIZE], certificate[SHA256_SIZE];
	struct err e;

	sha256_of(token, strlen(token), hash);
	int found = meta_service_by_token(c->service->meta, hash, &c->account, certificate, &e);

	if (found < 0)
		return fail(c, &e);
	const char *why = objection(c, found == 1, certificate);

	if (why) {
		log_info(&c->log, "the token of a program is refused: %s", why);
		int recorded = found ? record_refused(c, why) : 0;

		account_deinit(&c->account);
		return recorded < 0 ? -1 : refuse(c, true);
	}
	c->program = true;
	memcpy(c->session.id.bytes, hash, sizeof(c->session.id.bytes)); /* what limits go by: each token for itself */
	c->session.strength = mem_strdup("token+certificate");
	c->session.factor_us = clock_now_us(); /* the certificate's key is proved on each connection */
	log_context_set(&c->log, "user", c->account.username);
	return 0;
}

int auth_by_session(struct call *c, uint64_t account_id, const struct uuid *session_id)
{
	struct err e;
	int found = meta_session_get(c->service->meta, session_id, &c->session, &c->account, &e);

	if (found < 0)
		return fail(c, &e);
	if (!found || account_id != c->account.id || !session_lives(&c->session, &c->account, clock_now_us()) || has_ended(c)) {
		account_deinit(&c->account);
		session_deinit(&c->session);
		log_info(&c->log, "the session of account %llu has ended", (unsigned long long)account_id);
		return 0;
	}
	log_context_set(&c->log, "user", c->account.username);
	return 1;
}

static int auth_session(struct call *c, const char *token)
{
	CLEANUP(keyring_freep) struct keyring *keys = key_watch_take(c->service->keys);
	struct token_claims claims;
	struct err e;

	if (token_verify(keys, token, clock_now_us() / CLOCK_SECOND, &claims, &e) < 0) {
		log_info(&c->log, "%s", e.text);
		return refuse(c, true);
	}
	int lives = auth_by_session(c, claims.account_id, &claims.session_id);

	return lives < 0 ? -1 : lives ? 0 : refuse(c, true);
}

int auth_bearer(struct call *c)
{
	const char *header = c->request->authorization;

	if (!header || !str_istarts(header, SCHEME))
		return refuse(c, false);
	const char *token = header + strlen(SCHEME);

	token += strspn(token, " ");
	return str_istarts(token, SERVICE_TOKEN_PREFIX) ? auth_service(c, token) : auth_session(c, token);
}

void auth_ask_factor(struct call *c, const char *detail)
{
	char challenge[128];

	response_problem_named(&c->response, 401, "step-up", "%s", detail);
	snprintf(challenge, sizeof(challenge),
		"Bearer realm=\"strongroom\", error=\"insufficient_user_authentication\", max_age=\"%" PRId64 "\"",
		c->service->conf->queryd_mfa_session_us / CLOCK_SECOND);
	response_header(&c->response, "WWW-Authenticate", challenge);
}

int auth_fresh(struct call *c)
{
	if (clock_now_us() - c->session.factor_us < c->service->conf->queryd_mfa_session_us)
		return 0;
	if (!c->route->action || audit_intent_signed_in(c, NULL) == 0)
		auth_ask_factor(c, "The last one-time code of this session is too old for this. Send another one to "
			"/api/v1/auth/step-up and ask again.");
	return -1;
}
