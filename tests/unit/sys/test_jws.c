/* A token counts only when it was signed with one of the keys that are known, by an algorithm that is allowed, for which that
 * key is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/base64url.h"
#include "sys/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define CLAIMS "{\"sub\":\"ann\"}"

static EVP_PKEY *rsa, *weak, *curve, *other;
static struct jwk_set *keys;
static struct err err;

/* ---- keys as a provider tells them ---- */

static char *number(EVP_PKEY *key, const char *name, int size)
{
	BIGNUM *n = NULL;
	uint8_t bytes[1024];

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
	int length = size ? size : BN_num_bytes(n);

	assert_int_equal(BN_bn2binpad(n, bytes, length), length);
	BN_free(n);
	return base64url_encode(bytes, (size_t)length);
}

static char *rsa_jwk(EVP_PKEY *key, const char *more)
{
	_free_ char *n = number(key, OSSL_PKEY_PARAM_RSA_N, 0), *e = number(key, OSSL_PKEY_PARAM_RSA_E, 0);

	return mem_printf("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", n, e, more);
}

static char *ec_jwk(EVP_PKEY *key, const char *more)
{
	_free_ char *x = number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32), *y = number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);

	return mem_printf("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}", x, y, more);
}

static struct jwk_set *set_of(const char *list)
{
	_free_ char *text = mem_printf("{\"keys\":[%s]}", list);
	struct jwk_set *s;

	assert_int_equal(jwk_set_parse(&s, text, strlen(text), &err), 0);
	return s;
}

static size_t usable(const char *list)
{
	CLEANUP(jwk_set_freep) struct jwk_set *s = set_of(list);

	return jwk_set_size(s);
}

static int setup(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	weak = EVP_RSA_gen(1024);
	curve = EVP_EC_gen("P-256");
	other = EVP_EC_gen("P-256");
	_free_ char *r = rsa_jwk(rsa, ",\"kid\":\"r\",\"use\":\"sig\""), *c = ec_jwk(curve, ",\"kid\":\"c\",\"alg\":\"ES256\"");
	_free_ char *both = mem_printf("%s,%s", r, c);

	keys = set_of(both);
	return jwk_set_size(keys) == 2 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	jwk_set_freep(&keys);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(curve);
	EVP_PKEY_free(other);
	return 0;
}

/* ---- tokens ---- */

static void raw_of_der(const uint8_t *der, size_t n, uint8_t raw[64])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)n);

	assert_non_null(pair);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32), 32);
	ECDSA_SIG_free(pair);
}

static char *signature_of(EVP_PKEY *key, int padding, const char *text)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;
	uint8_t signature[1024], raw[64];
	size_t n = sizeof(signature);

	assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, EVP_sha256(), NULL, key), 1);
	if (padding)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key_ctx, padding), 1);
	if (padding == RSA_PKCS1_PSS_PADDING)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, RSA_PSS_SALTLEN_DIGEST), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &n, (const uint8_t *)text, strlen(text)), 1);
	EVP_MD_CTX_free(ctx);
	if (padding)
		return base64url_encode(signature, n);
	raw_of_der(signature, n, raw);
	return base64url_encode(raw, sizeof(raw));
}

static char *unsigned_token(const char *header, const char *claims)
{
	_free_ char *h = base64url_encode(header, strlen(header)), *c = base64url_encode(claims, strlen(claims));

	return mem_printf("%s.%s", h, c);
}

static char *token_of(EVP_PKEY *key, int padding, const char *header)
{
	_free_ char *text = unsigned_token(header, CLAIMS), *signature = signature_of(key, padding, text);

	return mem_printf("%s.%s", text, signature);
}

static int verify(const char *token)
{
	_json_ cJSON *claims = NULL;
	int rc = jws_verify(&claims, keys, token, &err);
	const char *subject;

	if (rc == 1) {
		assert_int_equal(json_get_str(claims, "sub", &subject), 1);
		assert_string_equal(subject, "ann");
	} else {
		assert_int_equal(err.class, ERR_PERMANENT);
	}
	return rc;
}

static int verify_signed(EVP_PKEY *key, int padding, const char *header)
{
	_free_ char *token = token_of(key, padding, header);

	return verify(token);
}

static void the_three_algorithms_count(void **state)
{
	(void)state;
	assert_int_equal(verify_signed(rsa, RSA_PKCS1_PADDING, "{\"alg\":\"RS256\",\"kid\":\"r\"}"), 1);
	assert_int_equal(verify_signed(rsa, RSA_PKCS1_PSS_PADDING, "{\"alg\":\"PS256\",\"kid\":\"r\",\"typ\":\"JWT\"}"), 1);
	assert_int_equal(verify_signed(curve, 0, "{\"alg\":\"ES256\",\"kid\":\"c\",\"typ\":\"jwt\"}"), 1);
}

static void a_key_without_a_name_counts_where_it_is_the_only_one(void **state)
{
	_free_ char *one = ec_jwk(curve, ""), *two = ec_jwk(other, ""), *both = mem_printf("%s,%s", one, two);
	CLEANUP(jwk_set_freep) struct jwk_set *single = set_of(one);
	CLEANUP(jwk_set_freep) struct jwk_set *pair = set_of(both);
	_free_ char *token = token_of(curve, 0, "{\"alg\":\"ES256\"}");
	_json_ cJSON *claims = NULL;

	(void)state;
	assert_int_equal(jws_verify(&claims, pair, token, &err), 0);
	assert_int_equal(jws_verify(&claims, single, token, &err), 1);
	assert_int_equal(verify_signed(curve, 0, "{\"alg\":\"ES256\"}"), 1); /* the only one of its kind */
}

static void another_algorithm_than_the_one_that_was_used_does_not_count(void **state)
{
	(void)state;
	assert_int_equal(verify_signed(rsa, RSA_PKCS1_PADDING, "{\"alg\":\"PS256\",\"kid\":\"r\"}"), -1);
	assert_int_equal(verify_signed(rsa, RSA_PKCS1_PSS_PADDING, "{\"alg\":\"RS256\",\"kid\":\"r\"}"), -1);
	assert_int_equal(verify_signed(curve, 0, "{\"alg\":\"RS256\",\"kid\":\"r\"}"), -1);
	assert_int_equal(verify_signed(curve, 0, "{\"alg\":\"RS256\",\"kid\":\"c\"}"), 0); /* that key is for ES256 */
	assert_int_equal(verify_signed(rsa, RSA_PKCS1_PADDING, "{\"alg\":\"RS512\",\"kid\":\"r\"}"), -1);
}

static void no_signature_does_not_count(void **state)
{
	_free_ char *text = unsigned_token("{\"alg\":\"none\"}", CLAIMS);
	_free_ char *empty = mem_printf("%s.", text), *some = mem_printf("%s.AAAA", text);

	(void)state;
	assert_int_equal(verify(text), -1);
	assert_int_equal(verify(empty), -1);
	assert_int_equal(verify(some), -1);
}

/* The old trick: the public key, which everybody has, as the secret of an HMAC. */
static void a_public_key_is_no_secret(void **state)
{
	_free_ char *text = unsigned_token("{\"alg\":\"HS256\",\"kid\":\"r\"}", CLAIMS);
	BIO *pem = BIO_new(BIO_s_mem());
	uint8_t mac[32];
	char *at;

	(void)state;
	assert_int_equal(PEM_write_bio_PUBKEY(pem, rsa), 1);
	long n = BIO_get_mem_data(pem, &at);

	HMAC(EVP_sha256(), at, (int)n, (const uint8_t *)text, strlen(text), mac, NULL);
	BIO_free(pem);
	_free_ char *signature = base64url_encode(mac, sizeof(mac)), *token = mem_printf("%s.%s", text, signature);

	assert_int_equal(verify(token), -1);
}

/* Nor does a key that comes along in the token. */
static void a_key_that_is_not_known_does_not_count(void **state)
{
	_free_ char *jwk = ec_jwk(other, ""), *header = mem_printf("{\"alg\":\"ES256\",\"kid\":\"c\",\"jwk\":%s}", jwk);

	(void)state;
	assert_int_equal(verify_signed(other, 0, header), -1);
	assert_int_equal(verify_signed(other, 0, "{\"alg\":\"ES256\",\"kid\":\"c\"}"), -1);
	assert_int_equal(verify_signed(other, 0, "{\"alg\":\"ES256\",\"kid\":\"d\"}"), 0); /* there may be one by now */
}

static void what_must_be_understood_is_not(void **state)
{
	(void)state;
	assert_int_equal(verify_signed(curve, 0, "{\"alg\":\"ES256\",\"kid\":\"c\",\"crit\":[\"b64\"],\"b64\":false}"), -1);
	assert_int_equal(verify_signed(curve, 0, "{\"alg\":\"ES256\",\"kid\":\"c\",\"typ\":\"at+jwt\"}"), -1);
	assert_int_equal(verify_signed(curve, 0, "{\"alg\":\"ES256\",\"kid\":7}"), -1);
	assert_int_equal(verify_signed(curve, 0, "[\"ES256\"]"), -1);
}

/* Every character counts. */
static void no_altered_token_counts(void **state)
{
	_free_ char *token = token_of(curve, 0, "{\"alg\":\"ES256\",\"kid\":\"c\"}");

	(void)state;
	for (size_t i = 0; token[i]; i++) {
		char before = token[i];

		token[i] = before == 'A' ? 'B' : 'A';
		if (verify(token) == 1)
			fail_msg("taken with another character at %zu", i);
		token[i] = before;
	}
	_free_ char *longer = mem_printf("%sA", token), *more = mem_printf("%s.A", token), *padded = mem_printf("%s=", token);

	assert_int_equal(verify(longer), -1);
	assert_int_equal(verify(more), -1);
	assert_int_equal(verify(padded), -1);
	assert_int_equal(verify(token), 1);
}

static void a_huge_token_is_not_looked_at(void **state)
{
	_free_ char *token = mem_alloc(JWS_MAX + 2, 1);

	(void)state;
	memset(token, 'A', JWS_MAX + 1);
	assert_int_equal(verify(token), -1);
	assert_non_null(strstr(err.text, "too long"));
}

static void only_keys_for_signatures_that_are_strong_are_kept(void **state)
{
	_free_ char *small = rsa_jwk(weak, ""), *encrypts = rsa_jwk(rsa, ",\"use\":\"enc\""),
		    *wraps = rsa_jwk(rsa, ",\"key_ops\":[\"wrapKey\"]"), *verifies = rsa_jwk(rsa, ",\"key_ops\":[\"verify\"]");

	(void)state;
	assert_int_equal(usable(""), 0);
	assert_int_equal(usable(small), 0);
	assert_int_equal(usable(encrypts), 0);
	assert_int_equal(usable(wraps), 0);
	assert_int_equal(usable(verifies), 1);
	assert_int_equal(usable("{\"kty\":\"oct\",\"k\":\"AAAA\"}"), 0);
	assert_int_equal(usable("{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"}"), 0);
	assert_int_equal(usable("null,[],7,{}"), 0);
}

/* A point that is not on the curve gives keys away. */
static void a_point_must_be_on_the_curve(void **state)
{
	_free_ char *jwk = ec_jwk(curve, "");
	char *x = strstr(jwk, "\"x\":\"") + 5;

	(void)state;
	*x = *x == 'A' ? 'B' : 'A';
	assert_int_equal(usable(jwk), 0);
}

static void what_is_no_key_set_is_refused(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{\"keys\":{}}", "{\"keys\":[]} x" };
	struct jwk_set *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(jwk_set_parse(&s, texts[i], strlen(texts[i]), &err), -1);
	_free_ char *many = mem_alloc(3 * JWK_KEYS_MAX + 20, 1);

	strcpy(many, "{\"keys\":[{}");
	for (size_t i = 0; i < JWK_KEYS_MAX; i++)
		strcat(many, ",{}");
	strcat(many, "]}");
	assert_int_equal(jwk_set_parse(&s, many, strlen(many), &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_three_algorithms_count),
		cmocka_unit_test(a_key_without_a_name_counts_where_it_is_the_only_one),
		cmocka_unit_test(another_algorithm_than_the_one_that_was_used_does_not_count),
		cmocka_unit_test(no_signature_does_not_count),
		cmocka_unit_test(a_public_key_is_no_secret),
		cmocka_unit_test(a_key_that_is_not_known_does_not_count),
		cmocka_unit_test(what_must_be_understood_is_not),
		cmocka_unit_test(no_altered_token_counts),
		cmocka_unit_test(a_huge_token_is_not_looked_at),
		cmocka_unit_test(only_keys_for_signatures_that_are_strong_are_kept),
		cmocka_unit_test(a_point_must_be_on_the_curve),
		cmocka_unit_test(what_is_no_key_set_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
