#include "queryd/enrolment.h"

#include "base/clock.h"
#include "meta/factor.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/auth.h"
#include "queryd/body.h"
#include "queryd/code.h"
#include "queryd/password.h"
#include "queryd/recovery.h"
#include "queryd/signin.h"
#include "sys/otpauth.h"
#include "sys/qr_svg.h"

#include <string.h>

/* ---- beginning ---- */

/* A secret, and how it is kept. */
struct fresh {
	uint8_t plain[SECRET_TOTP_SIZE];
	uint8_t *sealed;
	size_t sealed_length;
};

static void fresh_make(struct fresh *f, const struct call *c)
{
	secret_random(f->plain, sizeof(f->plain));
	secret_seal(c->service->seal, f->plain, sizeof(f->plain), &f->sealed, &f->sealed_length);
}

static void fresh_deinit(struct fresh *f)
{
	explicit_bzero(f->plain, sizeof(f->plain));
	free(f->sealed);
}

static void answer_begun(struct call *c, const struct fresh *f)
{
	_free_ char *digits = otpauth_base32(f->plain, sizeof(f->plain));
	_free_ char *url = otpauth_url(c->account.username, f->plain, sizeof(f->plain));
	_free_ char *picture = qr_svg(url);
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "totp_secret", digits);
	json_add_str(j, "otpauth_url", url);
	json_add_str(j, "qr_svg", picture);
	json_add_u64(j, "expires_in", ENROLMENT_LIFE_S);
	response_json(&c->response, j);
	explicit_bzero(digits, strlen(digits));
	explicit_bzero(url, strlen(url));
}

static void enrol(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "password", .type = BODY_STRING, .required = true, .max = PASSWORD_BYTES_MAX },
		{ 0 },
	};
	CLEANUP(fresh_deinit) struct fresh f = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body || audit_intent_signed_in(c, NULL) < 0 || password_prove(c, "password", body_string(body, "password")) < 0)
		return;
	fresh_make(&f, c);
	if (meta_enrolment_begin(c->service->meta, c->account.id, f.sealed, f.sealed_length,
		    clock_now_us() + ENROLMENT_LIFE_S * CLOCK_SECOND, &e) < 0)
		access_failed(c, &e);
	else
		answer_begun(c, &f);
}

/* proof->code is the administrator's token. */
static int check_token(struct call *c, const struct signin_proof *proof, struct err *e)
{
	const struct fresh *f = proof->ctx;
	const int64_t now_us = clock_now_us();

	if (c->account.totp_secret_length)
		return 0;
	return meta_enrolment_begin_by_token(c->service->meta, c->account.id, proof->code, f->sealed, f->sealed_length, now_us,
		now_us + ENROLMENT_LIFE_S * CLOCK_SECOND, e);
}

static void enrol_by_token(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "mfa_token", .type = BODY_STRING, .required = true },
		{ .name = "enrolment_token", .type = BODY_STRING, .required = true },
		{ 0 },
	};
	CLEANUP(fresh_deinit) struct fresh f = { 0 };
	_json_ cJSON *body = body_read(c, fields);

	if (!body)
		return;
	fresh_make(&f, c);
	const struct signin_proof proof = { check_token, NULL, body_string(body, "enrolment_token"), &f };

	if (signin_second_step(c, body_string(body, "mfa_token"), &proof))
		answer_begun(c, &f);
}

/* ---- confirming ---- */

/* Is the code one of what was begun? Then that is the second factor from now on. 1, 0, -1. */
static int confirm(struct call *c, const char *code, const struct uuid *keep, const struct recovery_codes *codes, struct err *e)
{
	_free_ uint8_t *sealed = NULL;
	struct enrolment x = { .account_id = c->account.id, .codes = (const uint8_t(*)[SHA256_SIZE])codes->hashes, .keep = keep };
	int rc = meta_enrolment_secret(c->service->meta, c->account.id, clock_now_us(), &sealed, &x.sealed_length, e);

	if (rc == 1)
		rc = code_try(c, e);
	if (rc == 1)
		rc = code_match(c, sealed, x.sealed_length, code, &x.step, e);
	x.sealed = sealed;
	return rc == 1 ? meta_enrolment_finish(c->service->meta, &x, e) : rc;
}

static void answer_confirmed(struct call *c, int confirmed, const struct recovery_codes *codes, const struct err *e)
{
	if (confirmed < 0) {
		access_failed(c, e);
	} else if (!confirmed) {
		response_problem_at(&c->response, "code", -1,
			"The code is wrong, or what was begun is too old: begin anew. After many wrong codes, wait five minutes first.");
	} else {
		cJSON *j = cJSON_CreateObject();

		access_tell_cache(c, c->account.id);
		recovery_codes_present(j, codes);
		response_json(&c->response, j);
	}
}

static void confirm_signed_in(struct call *c)
{
	static const struct body_field fields[] = { { .name = "code", .type = BODY_STRING, .required = true }, { 0 } };
	CLEANUP(recovery_codes_wipe) struct recovery_codes codes;
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	recovery_codes_make(&codes);
	if (body && audit_intent_signed_in(c, NULL) == 0) {
		int confirmed = confirm(c, body_string(body, "code"), &c->session.id, &codes, &e);

		answer_confirmed(c, confirmed, &codes, &e);
	}
}

static int check_confirmed(struct call *c, const struct signin_proof *proof, struct err *e)
{
	if (c->account.totp_secret_length)
		return 0;
	int rc = confirm(c, proof->code, NULL, proof->ctx, e);

	if (rc == 1)
		c->account.token_generation++; /* as meta has it now: the session that begins is of it */
	return rc;
}

static void confirm_by_token(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "mfa_token", .type = BODY_STRING, .required = true },
		{ .name = "code", .type = BODY_STRING, .required = true },
		{ 0 },
	};
	CLEANUP(recovery_codes_wipe) struct recovery_codes codes;
	_json_ cJSON *body = body_read(c, fields);

	recovery_codes_make(&codes);
	if (!body)
		return;
	const struct signin_proof proof = { check_confirmed, "totp", body_string(body, "code"), &codes };
	cJSON *tokens = signin_finish(c, body_string(body, "mfa_token"), &proof);

	if (!tokens)
		return;
	recovery_codes_present(tokens, &codes);
	response_json(&c->response, tokens);
}

#define SIGNED_IN .permission = ROUTE_ANYBODY, .fresh = true

const struct route enrolment_routes[] = {
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/totp/enrol",
		.action = "account.enrol",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = enrol,
		SIGNED_IN },
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/totp/confirm",
		.action = "account.enrol-confirm",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = confirm_signed_in,
		SIGNED_IN },
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/enrolment",
		.action = "sign-in.enrol",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = enrol_by_token },
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/enrolment/confirm",
		.action = "sign-in.enrol-confirm",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = confirm_by_token },
	{ 0 },
};
