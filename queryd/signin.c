#include "queryd/signin.h"

#include "base/clock.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/code.h"
#include "queryd/limit.h"
#include "queryd/pending.h"
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

void signin_answer_first(struct call *c, const struct account *a, const char *proved)
{
	const struct pending p = { a->id, a->token_generation, proved };
	_free_ char *token = pending_format(&p, c->service->seal, clock_now_us() / CLOCK_SECOND);
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "mfa_token", token);
	json_add_u64(j, "expires_in", PENDING_LIFE_S);
	if (!a->totp_secret_length)
		json_add_bool(j, "enrolment_required", true);
	response_json(&c->response, j);
}

/* ---- the password ---- */

static void answer_password(struct call *c, const char *username, const char *password)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	struct err e;
	int found = meta_account_by_name(c->service->meta, username, &a, &e);

	if (found < 0) {
		fail(c, &e);
		return;
	}
	bool good = secret_password_verify(found ? a.password_hash : NULL, password);

	if (good && !a.disabled)
		signin_answer_first(c, &a, "password");
	else
		refuse(c, "The user name or the password is wrong.");
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

/* ---- the second step ---- */

/* The account behind a token that the first step gave. 1, 0, -1. */
static int find_pending(struct call *c, const char *mfa_token, const char **proved_r, struct err *e)
{
	struct pending p;

	if (pending_parse(&p, c->service->seal, mfa_token, clock_now_us() / CLOCK_SECOND) < 0)
		return 0;
	int found = meta_account_by_id(c->service->meta, p.account_id, &c->account, e);

	if (found == 1 && (c->account.disabled || c->account.token_generation != p.generation))
		return 0;
	if (found == 1)
		*proved_r = p.proved;
	return found;
}

const char *signin_second_step(struct call *c, const char *mfa_token, const struct signin_proof *proof)
{
	const char *proved = "none";
	struct err e;
	int good = find_pending(c, mfa_token, &proved, &e);

	log_context_set(&c->log, "user", c->account.username);
	if (audit_intent(c, NULL, proved, NULL) < 0)
		return NULL;
	if (good == 1)
		good = proof->check(c, proof, &e);
	if (good < 0)
		fail(c, &e);
	else if (!good)
		refuse(c, "The code is wrong or was used before, or the sign-in took too long. Start again; after many wrong "
			"codes, wait five minutes first.");
	return good == 1 ? proved : NULL;
}

cJSON *signin_finish(struct call *c, const char *mfa_token, const struct signin_proof *proof)
{
	const char *proved = signin_second_step(c, mfa_token, proof);

	if (!proved)
		return NULL;
	_free_ char *strength = mem_printf("%s+%s", proved, proof->strength);

	limit_signin_succeeded(c, c->account.username);
	return session_begin(c, strength, clock_now_us());
}

void signin_by_code(struct call *c, signin_check *check, const char *strength)
{
	static const struct body_field fields[] = {
		{ .name = "mfa_token", .type = BODY_STRING, .required = true },
		{ .name = "code", .type = BODY_STRING, .required = true },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);

	if (!body)
		return;
	const struct signin_proof proof = { check, strength, body_string(body, "code"), NULL };
	cJSON *tokens = signin_finish(c, body_string(body, "mfa_token"), &proof);

	if (tokens)
		response_json(&c->response, tokens);
}

static int check_totp(struct call *c, const struct signin_proof *proof, struct err *e)
{
	return code_use(c, proof->code, e);
}

static void signin_totp(struct call *c)
{
	signin_by_code(c, check_totp, "totp");
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
