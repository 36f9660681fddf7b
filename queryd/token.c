#include "queryd/token.h"

#include "base/clock.h"
#include "base/str.h"
#include "queryd/token_known.h"
#include "sys/json.h"

#include <errno.h>
#include <jwt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static void jwt_freep(jwt_t **j)
{
	jwt_free(*j);
}
#define _jwt_ CLEANUP(jwt_freep)

/* ---- issuing ---- */

static int add_claims(jwt_t *j, const struct token_claims *c)
{
	char subject[24], id[UUID_TEXT_SIZE], session[UUID_TEXT_SIZE];

	snprintf(subject, sizeof(subject), "%llu", (unsigned long long)c->account_id);
	return jwt_add_grant(j, "iss", TOKEN_ISSUER) || jwt_add_grant(j, "aud", TOKEN_AUDIENCE) ||
		jwt_add_grant(j, "sub", subject) || jwt_add_grant(j, "jti", uuid_format(id, &c->id)) ||
		jwt_add_grant_int(j, "iat", (long)c->issued_s) || jwt_add_grant_int(j, "nbf", (long)c->issued_s) ||
		jwt_add_grant_int(j, "exp", (long)c->expires_s) ||
		jwt_add_grant_int(j, "auth_time", (long)c->factor_s) ||
		jwt_add_grant(j, "sid", uuid_format(session, &c->session_id));
}

char *token_issue(const struct keyring *k, struct token_claims *c, struct err *e)
{
	const struct keyring_key *key = keyring_signer(k, c->issued_s * CLOCK_SECOND);
	const unsigned char *pem = (const unsigned char *)key->private_pem;
	_jwt_ jwt_t *j = NULL;
	char *token = NULL;

	c->id = uuid_new(clock_now_us());
	if (jwt_new(&j) == 0 && jwt_set_alg(j, JWT_ALG_ES256, pem, (int)strlen(key->private_pem)) == 0 &&
		jwt_add_header(j, "kid", key->kid) == 0 && add_claims(j, c) == 0)
		token = jwt_encode_str(j);
	if (!token)
		err_temporary(e, "jwt_encode_str(kid %s) failed", key->kid);
	return token;
}

/* ---- verifying ---- */

static int bad(struct err *e, const char *why)
{
	return err_permanent(e, "token_verify failed: %s", why);
}

/* Three parts of base64url without padding, of bounded length. */
static int check_form(const char *token, struct err *e)
{
	static const char alphabet[] = "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strlen(token), dots = 0;

	if (n > TOKEN_MAX)
		return bad(e, "too long");
	if (strspn(token, alphabet) != n)
		return bad(e, "not base64url");
	for (size_t i = 0; i < n; i++)
		dots += token[i] == '.';
	if (dots != 2 || token[0] == '.' || token[n - 1] == '.' || strstr(token, ".."))
		return bad(e, "not three parts");
	return 0;
}

/* The JSON object in the first part. Caller frees; NULL with *e. */
static cJSON *read_header(const char *token, struct err *e)
{
	size_t length = strcspn(token, "."), n;
	_free_ char *text = mem_alloc(length, 1);

	if (sodium_base642bin((unsigned char *)text, length, token, length, NULL, &n, NULL,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING) < 0) {
		bad(e, "header is not base64url");
		return NULL;
	}
	return json_parse(text, n, e);
}

static bool has_text(const cJSON *object, const char *name, const char *wanted)
{
	const char *value;

	return json_get_str(object, name, &value) == 1 && strcmp(value, wanted) == 0;
}

/* The key that the header names, when the header asks for exactly what is done here. NULL with *e. */
static const struct keyring_key *pick_key(const struct keyring *k, const char *token, struct err *e)
{
	_json_ cJSON *header = read_header(token, e);
	const char *kid;

	if (!header)
		return NULL;
	if (!has_text(header, "alg", "ES256") || cJSON_GetObjectItemCaseSensitive(header, "crit")) {
		bad(e, "algorithm is not ES256");
		return NULL;
	}
	if (json_get_str(header, "kid", &kid) != 1 || !keyring_find(k, kid)) {
		bad(e, "unknown key");
		return NULL;
	}
	return keyring_find(k, kid);
}

/* The claims of a token whose signature is good. Caller frees; NULL with *e. */
static cJSON *verified_claims(const char *token, const struct keyring_key *key, struct err *e)
{
	_jwt_ jwt_t *j = NULL;

	if (jwt_decode(&j, token, (const unsigned char *)key->public_pem, (int)strlen(key->public_pem))) {
		bad(e, "signature is wrong");
		return NULL;
	}
	if (jwt_get_alg(j) != JWT_ALG_ES256) {
		bad(e, "algorithm is not ES256");
		return NULL;
	}
	_free_ char *claims = jwt_get_grants_json(j, NULL);

	if (!claims) {
		bad(e, "no claims");
		return NULL;
	}
	return json_parse(claims, strlen(claims), e);
}

static int read_times(const cJSON *claims, struct token_claims *c_r, struct err *e)
{
	uint64_t issued, not_before, expires;

	if (json_get_u64(claims, "exp", &expires) != 1 || json_get_u64(claims, "iat", &issued) != 1 ||
		json_get_u64(claims, "nbf", &not_before) != 1)
		return bad(e, "exp, iat or nbf is missing");
	c_r->issued_s = (int64_t)issued;
	c_r->not_before_s = (int64_t)not_before;
	c_r->expires_s = (int64_t)expires;
	return 0;
}

static int check_times(const struct token_claims *c, int64_t now_s, struct err *e)
{
	if (c->expires_s <= now_s)
		return bad(e, "expired");
	if (c->not_before_s > now_s + TOKEN_SKEW_S || c->issued_s > now_s + TOKEN_SKEW_S)
		return bad(e, "not valid yet");
	return 0;
}

static int read_claims(const cJSON *claims, struct token_claims *c_r, struct err *e)
{
	const char *subject, *id, *session;
	uint64_t factor;

	if (!has_text(claims, "iss", TOKEN_ISSUER) || !has_text(claims, "aud", TOKEN_AUDIENCE))
		return bad(e, "issuer or audience is another");
	if (json_get_str(claims, "jti", &id) != 1 || uuid_parse(&c_r->id, id) < 0)
		return bad(e, "jti is missing");
	if (json_get_str(claims, "sub", &subject) != 1 ||
		str_parse_u64(&c_r->account_id, subject, INT64_MAX) < 0 || !c_r->account_id)
		return bad(e, "sub is no account");
	if (json_get_str(claims, "sid", &session) != 1 || uuid_parse(&c_r->session_id, session) < 0)
		return bad(e, "sid is no session");
	if (json_get_u64(claims, "auth_time", &factor) != 1)
		return bad(e, "auth_time is missing");
	c_r->factor_s = (int64_t)factor;
	return 0;
}

/* All but what the time has to do with. */
static int verify(const struct keyring *k, const char *token, struct token_claims *c_r, struct err *e)
{
	const struct keyring_key *key = pick_key(k, token, e);

	if (!key)
		return -1;
	_json_ cJSON *claims = verified_claims(token, key, e);

	if (!claims)
		return -1;
	return read_times(claims, c_r, e) < 0 ? -1 : read_claims(claims, c_r, e);
}

int token_verify(const struct keyring *k, const char *token, int64_t now_s, struct token_claims *c_r, struct err *e)
{
	uint8_t digest[SHA256_SIZE];

	if (check_form(token, e) < 0)
		return -1;
	sha256_of(token, strlen(token), digest);
	if (token_known_find(keyring_known(k), digest, c_r))
		return check_times(c_r, now_s, e);
	if (verify(k, token, c_r, e) < 0)
		return -1;
	token_known_keep(keyring_known(k), digest, c_r);
	return check_times(c_r, now_s, e);
}
