#include "queryd/signin.h"

#include "base/clock.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/limit.h"
#include "queryd/token.h"

#include <liboath/oath.h>
#include <string.h>

#define CODE_DIGITS 6
#define STEP_S 30
#define WINDOW 1 /* steps to either side: clocks differ */

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

/* The step that the code belongs to, in *step_r. 1, 0 when it belongs to none near now, -1. */
static int match_code(const struct call *c, const char *code, uint64_t *step_r, struct err *e)
{
	const struct account *a = &c->account;
	_free_ char *secret = mem_alloc(a->totp_secret_length, 1);
	size_t n;

	if (strlen(code) != CODE_DIGITS || strspn(code, "0123456789") != CODE_DIGITS)
		return 0;
	if (secret_open(c->service->seal, a->totp_secret, a->totp_secret_length, secret, &n, e) < 0)
		return -1;
	int rc = oath_totp_validate4(secret, n, (time_t)(clock_now_us() / CLOCK_SECOND), STEP_S, 0, WINDOW, NULL, step_r,
		0, code);

	explicit_bzero(secret, n);
	return rc >= 0;
}

/* Is the code right and used for the first time? 1, 0, -1. */
static int check_code(struct call *c, const char *mfa_token, const char *code, struct err *e)
{
	uint64_t step;
	int rc = meta_account_code_try(c->service->meta, c->account.id, clock_now_us(), e);

	if (rc == 0)
		log_warn(&c->log, "no code is looked at: too many were wrong");
	if (rc == 1)
		rc = match_code(c, code, &step, e);
	if (rc == 1)
		rc = meta_account_totp_use(c->service->meta, c->account.id, step, e);
	if (rc == 1 && !pending_finish(c->service->pending, mfa_token))
		rc = 0;
	return rc;
}

static void give_token(struct call *c)
{
	int64_t now = clock_now_us() / CLOCK_SECOND, life = c->service->conf->queryd_token_us / CLOCK_SECOND;
	struct token_claims claims = { .account_id = c->account.id, .generation = c->account.token_generation,
		.issued_s = now, .expires_s = now + life };
	struct err e;
	_free_ char *token = token_issue(c->service->keyring, &claims, &e);

	if (!token) {
		fail(c, &e);
		return;
	}
	limit_signin_succeeded(c, c->account.username);
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "access_token", token);
	json_add_str(j, "token_type", "Bearer");
	json_add_u64(j, "expires_in", (uint64_t)life);
	response_json(&c->response, j);
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

	if (good < 0)
		fail(c, &e);
	else if (!good)
		refuse(c, "The code is wrong or was used before, or the sign-in took too long. Start again; after many wrong "
			"codes, wait five minutes first.");
	else
		give_token(c);
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
