#include "queryd/signin.h"

#include "base/clock.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/code.h"
#include "queryd/limit.h"
#include "queryd/session_begin.h"

#include <string.h>

static void refuse(struct call *c, const char *detail)
{
	response_problem(&c->response, 401, "%s", detail);
	response_header(&c->response, "WWW-Authenticate", "Bearer realm=\"strongroom\"");
}

static void fail(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "Sign-in does not work at the moment.");
}

/* ---- the password ---- */

static void answer_password(struct call *c, const char *username, const char *password)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	char token[PENDING_TOKEN_SIZE];
	struct err e;
	int found = meta_account_by_name(c->service->meta, username, &a, &e);

	if (found < 0) {
		fail(c, &e);
		return;
	}
	bool good = secret_password_verify(found ? a.password_hash : NULL, password);

	if (!good || a.disabled) {
		refuse(c, "The user name or the password is wrong.");
		return;
	}
	pending_add(c->service->pending, a.id, a.token_generation, clock_monotonic_us(), token);
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "mfa_token", token);
	json_add_u64(j, "expires_in", PENDING_LIFE_S);
	response_json(&c->response, j);
}

static void signin_password(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "username", .type = BODY_STRING, .required = true, .max = SIGNIN_USERNAME_MAX },
		{ .name = "password", .type = BODY_STRING, .required = true, .max = SIGNIN_PASSWORD_MAX },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);
	const char *username, *password;
	struct err e;

	if (!body || json_get_str(body, "username", &username) != 1 || json_get_str(body, "password", &password) != 1)
		return;
	log_context_set(&c->log, "user", username);
	int may = limit_signin(c, username, &e);

	if (may < 0)
		fail(c, &e);
	else if (may && audit_intent(c, username, "none", NULL) == 0)
		answer_password(c, username, password);
}

/* ---- the one-time code ---- */

/* The account behind a token that the password step gave. 1, 0, -1. */
static int find_pending(struct call *c, const char *mfa_token, struct err *e)
{
	uint64_t id, generation;

	if (!pending_try(c->service->pending, mfa_token, clock_monotonic_us(), &id, &generation))
		return 0;
	int found = meta_account_by_id(c->service->meta, id, &c->account, e);

	if (found == 1 && (c->account.disabled || c->account.token_generation != generation))
		return 0;
	return found;
}

/* Is the code right and used for the first time? 1, 0, -1. */
static int check_code(struct call *c, const char *mfa_token, const char *code, struct err *e)
{
	int rc = code_use(c, code, e);

	return rc == 1 && !pending_finish(c->service->pending, mfa_token) ? 0 : rc;
}

static void signin_totp(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "mfa_token", .type = BODY_STRING, .required = true },
		{ .name = "code", .type = BODY_STRING, .required = true },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);
	const char *mfa_token, *code;
	struct err e;

	if (!body || json_get_str(body, "mfa_token", &mfa_token) != 1 || json_get_str(body, "code", &code) != 1)
		return;
	int known = find_pending(c, mfa_token, &e);

	log_context_set(&c->log, "user", c->account.username);
	if (audit_intent(c, NULL, known == 1 ? "password" : "none", NULL) < 0)
		return;
	int good = known == 1 ? check_code(c, mfa_token, code, &e) : known;

	if (good < 0) {
		fail(c, &e);
	} else if (!good) {
		refuse(c, "The code is wrong or was used before, or the sign-in took too long. Start again; after many wrong "
			"codes, wait five minutes first.");
	} else {
		limit_signin_succeeded(c, c->account.username);
		session_begin(c, "password+totp");
	}
}

const struct route signin_routes[] = {
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/login",
		.action = "sign-in.password",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = signin_password },
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/totp",
		.action = "sign-in.totp",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = signin_totp },
	{ 0 },
};
