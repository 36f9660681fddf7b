/* Only what token_issue() made is a token, and only for its time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/token.h"
#include "sys/secret.h"

#include <ftw.h>
#include <jwt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1800000000)
#define NOW_US (NOW * 1000000)

#define SID "\"sid\":\"01890000-0000-7000-8000-000000000001\""
#define AUTH "," SID ",\"auth_time\":1799999999"

static char dir[256];
static struct keyring *keyring;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int setup(void **state)
{
	const char *base = getenv("TMPDIR");
	struct err e;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/token.XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	_free_ char *keys = mem_printf("%s/keys", dir);

	return secret_keys_create(keys, &e) < 0 ? -1 : keyring_load(&keyring, keys, &e);
}

static int teardown(void **state)
{
	(void)state;
	keyring_freep(&keyring);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int verify(const char *token, struct token_claims *c_r)
{
	struct err e;
	int rc = token_verify(keyring, token, NOW, c_r, &e);

	if (rc < 0)
		assert_int_equal(e.class, ERR_PERMANENT);
	return rc;
}

static void refused(const char *token)
{
	struct token_claims c;

	if (verify(token, &c) == 0)
		fail_msg("taken: %s", token);
}

static char *issue(int64_t issued_s, int64_t expires_s)
{
	struct token_claims c = { .account_id = 42, .session_id = { { 3 } }, .issued_s = issued_s, .expires_s = expires_s,
		.factor_s = issued_s - 7 };
	struct err e;
	char *token = token_issue(keyring, &c, &e);

	assert_non_null(token);
	return token;
}

static void test_round_trip(void **state)
{
	_free_ char *token = issue(NOW, NOW + 60);
	_free_ char *again = issue(NOW, NOW + 60);
	struct token_claims c, other;

	(void)state;
	assert_int_equal(verify(token, &c), 0);
	assert_int_equal(c.account_id, 42);
	assert_int_equal(c.session_id.bytes[0], 3);
	assert_int_equal(c.factor_s, NOW - 7);
	assert_int_equal(c.expires_s, NOW + 60);
	assert_int_equal(verify(again, &other), 0);
	assert_memory_not_equal(&c.id, &other.id, sizeof(c.id));
}

static void test_times(void **state)
{
	_free_ char *expired = issue(NOW - 60, NOW);
	_free_ char *last_second = issue(NOW - 60, NOW + 1);
	_free_ char *future = issue(NOW + TOKEN_SKEW_S + 1, NOW + 600);
	_free_ char *ahead = issue(NOW + TOKEN_SKEW_S, NOW + 600);
	struct token_claims c;

	(void)state;
	refused(expired);
	assert_int_equal(verify(last_second, &c), 0);
	refused(future);
	assert_int_equal(verify(ahead, &c), 0);
}

/* A token that was good before is looked up, not looked at: its time, its bytes and its keys count all the same. */
static void test_again(void **state)
{
	_free_ char *token = issue(NOW, NOW + 60), *other_dir = mem_printf("%s/again", dir);
	CLEANUP(keyring_freep) struct keyring *other = NULL;
	struct token_claims first, again;
	struct err e;

	(void)state;
	assert_int_equal(verify(token, &first), 0);
	assert_int_equal(verify(token, &again), 0);
	assert_memory_equal(&first, &again, sizeof(first));
	assert_int_equal(token_verify(keyring, token, NOW + 59, &again, &e), 0);
	assert_int_equal(token_verify(keyring, token, NOW + 60, &again, &e), -1);
	assert_int_equal(token_verify(keyring, token, NOW - TOKEN_SKEW_S - 1, &again, &e), -1);
	assert_int_equal(secret_keys_create(other_dir, &e), 0);
	assert_int_equal(keyring_load(&other, other_dir, &e), 0);
	assert_int_equal(token_verify(other, token, NOW, &again, &e), -1);
	token[strlen(token) - 2] ^= 1;
	refused(token);
}

/* Any byte changed, the token cut anywhere, anything put behind it. */
static void test_altered(void **state)
{
	_free_ char *token = issue(NOW, NOW + 60);
	size_t n = strlen(token);
	size_t signature = (size_t)(strrchr(token, '.') - token);

	(void)state;
	for (size_t i = 0; i < n - 1; i += i < signature ? 7 : 1) { /* of the last character some bits are padding */
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		refused(token);
		token[i] = was;
	}
	for (size_t i = n; i-- > 0;) {
		char was = token[i];

		token[i] = '\0';
		refused(token);
		token[i] = was;
	}
	_free_ char *longer = mem_printf("%sA", token), *part = mem_printf("%s.", token), *more = mem_printf("%s.A", token);

	refused(longer);
	refused(part);
	refused(more);
}

static void test_form(void **state)
{
	char big[TOKEN_MAX + 2];

	(void)state;
	refused("");
	refused(".");
	refused("..");
	refused("a.b.c");
	refused("e30.e30.e30");
	refused("e30.e30.");
	refused("a b.c.d");
	memset(big, 'A', sizeof(big));
	big[10] = big[20] = '.';
	big[sizeof(big) - 1] = '\0';
	refused(big);
}

/* A token of this header and these claims with a real signature by `alg` and key; claims NULL: the good ones. */
static char *forge(jwt_alg_t alg, const char *key, const char *kid, const char *claims)
{
	static const char good[] = "{\"iss\":\"strongroom\",\"aud\":\"strongroom-queryd\",\"sub\":\"42\"," SID ","
				   "\"auth_time\":1799999999,\"jti\":\"01890000-0000-7000-8000-000000000000\",\"iat\":1800000000,"
				   "\"nbf\":1800000000,\"exp\":1800000060}";
	jwt_t *j;

	assert_int_equal(jwt_new(&j), 0);
	assert_int_equal(jwt_set_alg(j, alg, (const unsigned char *)key, key ? (int)strlen(key) : 0), 0);
	if (kid)
		assert_int_equal(jwt_add_header(j, "kid", kid), 0);
	assert_int_equal(jwt_add_grants_json(j, claims ? claims : good), 0);
	char *token = jwt_encode_str(j);

	assert_non_null(token);
	jwt_free(j);
	return token;
}

static void forged_refused(jwt_alg_t alg, const char *key, const char *kid, const char *claims)
{
	_free_ char *token = forge(alg, key, kid, claims);

	refused(token);
}

static void test_algorithms(void **state)
{
	const struct keyring_key *key = keyring_signer(keyring, NOW_US);
	_free_ char *good = forge(JWT_ALG_ES256, key->private_pem, key->kid, NULL);
	struct token_claims c;

	(void)state;
	assert_int_equal(verify(good, &c), 0); /* so that what follows fails for its own reason */
	forged_refused(JWT_ALG_HS256, key->public_pem, key->kid, NULL);
	forged_refused(JWT_ALG_HS512, key->public_pem, key->kid, NULL);
	forged_refused(JWT_ALG_HS256, key->kid, key->kid, NULL);
	forged_refused(JWT_ALG_NONE, NULL, key->kid, NULL);
	forged_refused(JWT_ALG_NONE, NULL, NULL, NULL);
}

/* The good signature and claims behind another header. */
static void test_headers(void **state)
{
	static const char *const headers[] = { "{\"alg\":\"none\",\"kid\":\"%s\"}", "{\"alg\":\"HS256\",\"kid\":\"%s\"}",
		"{\"alg\":\"es256\",\"kid\":\"%s\"}", "{\"kid\":\"%s\"}", "{\"alg\":\"ES256\",\"kid\":\"%s\",\"crit\":[\"x\"]}",
		"{\"alg\":\"ES256\",\"kid\":\"x%s\"}", "{\"alg\":\"ES256\",\"kid\":[\"%s\"]}", "[\"%s\"]", "%s" };
	const struct keyring_key *key = keyring_signer(keyring, NOW_US);
	_free_ char *good = forge(JWT_ALG_ES256, key->private_pem, key->kid, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		char header[512], coded[1024];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		int n = snprintf(header, sizeof(header), headers[i], key->kid);
#pragma GCC diagnostic pop
		sodium_bin2base64(coded, sizeof(coded), (unsigned char *)header, (size_t)n,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		_free_ char *token = mem_printf("%s%s", coded, strchr(good, '.'));

		refused(token);
	}
}

static void test_keys(void **state)
{
	const struct keyring_key *key = keyring_signer(keyring, NOW_US);
	_free_ char *other_dir = mem_printf("%s/other", dir);
	struct keyring *other;
	struct err e;

	(void)state;
	forged_refused(JWT_ALG_ES256, key->private_pem, NULL, NULL);
	forged_refused(JWT_ALG_ES256, key->private_pem, "unknown", NULL);
	assert_int_equal(secret_keys_create(other_dir, &e), 0);
	assert_int_equal(keyring_load(&other, other_dir, &e), 0);
	forged_refused(JWT_ALG_ES256, keyring_signer(other, NOW_US)->private_pem, key->kid, NULL);
	keyring_freep(&other);
}

#define CLAIMS(iss, aud, sub, rest) \
	"{\"iss\":" iss ",\"aud\":" aud ",\"sub\":" sub ",\"jti\":\"01890000-0000-7000-8000-000000000000\"" rest "}"
#define TIMES ",\"iat\":1800000000,\"nbf\":1800000000,\"exp\":1800000060"

static void test_claims(void **state)
{
	static const char *const bad[] = {
		"{}",
		CLAIMS("\"other\"", "\"strongroom-queryd\"", "\"42\"", AUTH TIMES),
		CLAIMS("\"strongroom\"", "\"other\"", "\"42\"", AUTH TIMES),
		CLAIMS("\"strongroom\"", "[\"strongroom-queryd\"]", "\"42\"", AUTH TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "42", AUTH TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"0\"", AUTH TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"-1\"", AUTH TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42 \"", AUTH TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", "," SID TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", ",\"auth_time\":1799999999" TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", ",\"sid\":\"x\",\"auth_time\":1799999999" TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", "," SID ",\"auth_time\":\"1799999999\"" TIMES),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", AUTH ",\"iat\":1800000000,\"nbf\":1800000000"),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", AUTH ",\"iat\":1800000000,\"exp\":1800000060"),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"", AUTH ",\"nbf\":1800000000,\"exp\":1800000060"),
		CLAIMS("\"strongroom\"", "\"strongroom-queryd\"", "\"42\"",
			AUTH ",\"iat\":1800000000,\"nbf\":1800000000,\"exp\":\"1800000060\""),
		"{\"iss\":\"strongroom\",\"aud\":\"strongroom-queryd\",\"sub\":\"42\",\"jti\":\"x\"" AUTH TIMES "}",
	};
	const struct keyring_key *key = keyring_signer(keyring, NOW_US);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		forged_refused(JWT_ALG_ES256, key->private_pem, key->kid, bad[i]);
}

static void test_keyring(void **state)
{
	_free_ char *keys = mem_printf("%s/keys", dir);
	_free_ char *path = mem_printf("%s/token-%s.pem", keys, keyring_signer(keyring, NOW_US)->kid);
	_free_ char *newer = mem_printf("%s/token-zzz.pem", keys);
	_free_ char *wrong = mem_printf("openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out %s 2>&1", newer);
	struct keyring *k = NULL;
	struct err e;

	(void)state;
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(keyring_load(&k, keys, &e), -1);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(link(path, newer), 0);
	assert_int_equal(keyring_load(&k, keys, &e), 0);
	assert_string_equal(keyring_signer(k, NOW_US)->kid, "zzz"); /* the newest signs, all verify */
	assert_non_null(keyring_find(k, keyring_signer(keyring, NOW_US)->kid));
	keyring_freep(&k);
	assert_int_equal(unlink(newer), 0);
	if (system(wrong) == 0 && chmod(newer, 0600) == 0)
		assert_int_equal(keyring_load(&k, keys, &e), -1);
	unlink(newer);
	assert_int_equal(keyring_load(&k, dir, &e), -1); /* none there */
	assert_null(k);
}

/* A key signs when all machines have had the time to get it; where all are new the oldest does. */
static void test_signer(void **state)
{
	_free_ char *keys = mem_printf("%s/signer", dir);
	CLEANUP(strv_deinit) struct strv names = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	struct uuid made;
	struct err e;

	(void)state;
	assert_int_equal(secret_keys_create(keys, &e), 0);
	assert_int_equal(secret_token_key_rotate(keys, &names, &e), 0);
	assert_int_equal(names.n, 2);
	assert_int_equal(keyring_load(&k, keys, &e), 0);
	assert_int_equal(uuid_parse(&made, keyring_at(k, 1)->kid), 0);
	assert_ptr_equal(keyring_signer(k, 0), keyring_at(k, 0));
	assert_ptr_equal(keyring_signer(k, uuid_time_us(&made) + KEYRING_LEAD_US - 1), keyring_at(k, 0));
	assert_ptr_equal(keyring_signer(k, uuid_time_us(&made) + KEYRING_LEAD_US), keyring_at(k, 1));
	assert_null(keyring_at(k, 2));
	strv_deinit(&names);
	assert_int_equal(secret_token_key_rotate(keys, &names, &e), 0);
	assert_int_equal(names.n, 2);
	assert_non_null(strstr(names.items[0], keyring_at(k, 1)->kid)); /* the oldest is gone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_times),      cmocka_unit_test(test_again), cmocka_unit_test(test_altered),
		cmocka_unit_test(test_form),	   cmocka_unit_test(test_algorithms), cmocka_unit_test(test_headers),
		cmocka_unit_test(test_keys),	   cmocka_unit_test(test_claims),     cmocka_unit_test(test_keyring),
		cmocka_unit_test(test_signer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
