#include "queryd/recovery.h"

#include "base/clock.h"
#include "base/str.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/code.h"
#include "queryd/password.h"
#include "queryd/signin.h"
#include "sys/otpauth.h"

#include <string.h>

#define CODE_BYTES 10
#define CODE_DIGITS 16 /* of base32 */
#define GROUP 4

/* ---- codes ---- */

static void hash_digits(const char digits[CODE_DIGITS], uint8_t hash_r[SHA256_SIZE])
{
	sha256_of(digits, CODE_DIGITS, hash_r);
}

static void write_groups(char text_r[RECOVERY_CODE_SIZE], const char *digits)
{
	for (size_t i = 0; i < CODE_DIGITS; i++) {
		if (i && i % GROUP == 0)
			*text_r++ = '-';
		*text_r++ = digits[i];
	}
	*text_r = '\0';
}

void recovery_codes_make(struct recovery_codes *codes_r)
{
	for (size_t i = 0; i < FACTOR_RECOVERY_CODES; i++) {
		uint8_t bytes[CODE_BYTES];

		secret_random(bytes, sizeof(bytes));
		_free_ char *digits = otpauth_base32(bytes, sizeof(bytes));

		hash_digits(digits, codes_r->hashes[i]);
		write_groups(codes_r->texts[i], digits);
		explicit_bzero(digits, CODE_DIGITS);
		explicit_bzero(bytes, sizeof(bytes));
	}
}

void recovery_codes_wipe(struct recovery_codes *codes)
{
	explicit_bzero(codes, sizeof(*codes));
}

void recovery_codes_present(cJSON *object, const struct recovery_codes *codes)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < FACTOR_RECOVERY_CODES; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(codes->texts[i]));
	json_add_item(object, "recovery_codes", list);
}

int recovery_code_hash(const char *typed, uint8_t hash_r[SHA256_SIZE])
{
	char digits[CODE_DIGITS];
	size_t n = 0;

	for (; *typed; typed++) {
		char digit = *typed >= 'a' && *typed <= 'z' ? (char)(*typed - 'a' + 'A') : *typed;

		if (digit == '-' || digit == ' ')
			continue;
		if (n == CODE_DIGITS || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", digit))
			return -1;
		digits[n++] = digit;
	}
	if (n != CODE_DIGITS)
		return -1;
	hash_digits(digits, hash_r);
	explicit_bzero(digits, sizeof(digits));
	return 0;
}

/* ---- the resources ---- */

static int check(struct call *c, const struct signin_proof *proof, struct err *e)
{
	uint8_t hash[SHA256_SIZE];
	int rc = code_try(c, e);

	if (rc != 1)
		return rc;
	if (recovery_code_hash(proof->code, hash) < 0)
		return 0;
	return meta_recovery_use(c->service->meta, c->account.id, hash, clock_now_us(), e);
}

static void sign_in(struct call *c)
{
	signin_by_code(c, check, "recovery");
}

static void replace(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "password", .type = BODY_STRING, .required = true, .max = PASSWORD_BYTES_MAX },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);
	struct recovery_codes codes;
	struct err e;

	if (!body || audit_intent_signed_in(c, NULL) < 0 || password_prove(c, "password", body_string(body, "password")) < 0)
		return;
	recovery_codes_make(&codes);
	if (meta_recovery_replace(c->service->meta, c->account.id, (const uint8_t(*)[SHA256_SIZE])codes.hashes, &e) < 0) {
		access_failed(c, &e);
	} else {
		cJSON *j = cJSON_CreateObject();

		recovery_codes_present(j, &codes);
		response_json(&c->response, j);
	}
	recovery_codes_wipe(&codes);
}

const struct route recovery_routes[] = {
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/recovery",
		.action = "sign-in.recovery",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = sign_in },
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/recovery-codes",
		.permission = ROUTE_ANYBODY,
		.action = "account.recovery-codes",
		.fresh = true,
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = replace },
	{ 0 },
};
