/* A sign-in at the provider goes on only in the browser that began it, for a while, and on any replica. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/oidc_flow.h"
#include "queryd/request.h"
#include "sys/base64url.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1800000000)

static char dir[256];
static struct secret_key *key, *other;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int make_key(struct secret_key **k, const char *name)
{
	_free_ char *keys = mem_printf("%s/%s", dir, name);
	struct err e;

	return secret_keys_create(keys, &e) < 0 ? -1 : secret_key_load(k, keys, &e);
}

static int setup(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/flow.XXXXXX", base ? base : "/tmp");
	return !mkdtemp(dir) || make_key(&key, "one") < 0 || make_key(&other, "two") < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	secret_key_freep(&key);
	secret_key_freep(&other);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void a_flow_goes_on_where_the_cookie_is(void **state)
{
	struct oidc_flow begun, again;

	(void)state;
	oidc_flow_begin(&begun, key, NOW);
	assert_int_equal(oidc_flow_resume(&again, key, begun.cookie, NOW + OIDC_FLOW_LIFE_S - 1), 0);
	assert_memory_equal(&again, &begun, sizeof(begun));
	assert_true(oidc_flow_is(&again, begun.state));
	assert_int_equal(oidc_flow_resume(&again, key, begun.cookie, NOW + OIDC_FLOW_LIFE_S), -1);
	assert_int_equal(oidc_flow_resume(&again, other, begun.cookie, NOW), -1);
}

static void all_that_comes_from_it_differs(void **state)
{
	struct oidc_flow a, b;

	(void)state;
	oidc_flow_begin(&a, key, NOW);
	oidc_flow_begin(&b, key, NOW);
	const char *const texts[] = { a.cookie, a.state, a.nonce, a.verifier, a.challenge, b.cookie, b.state, b.nonce, b.verifier,
		b.challenge };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t j = 0; j < i; j++)
			if (strstr(texts[i], texts[j]) || strstr(texts[j], texts[i]))
				fail_msg("%zu is %zu", i, j);
	assert_int_equal(strlen(a.verifier), 43); /* the least of RFC 7636 */
	assert_false(oidc_flow_is(&a, b.state));
	assert_false(oidc_flow_is(&a, ""));
	assert_false(oidc_flow_is(&a, a.nonce));
}

static void an_altered_cookie_is_none(void **state)
{
	struct oidc_flow f, again;
	char cookie[OIDC_FLOW_COOKIE_SIZE + 1] = "";

	(void)state;
	oidc_flow_begin(&f, key, NOW);
	memcpy(cookie, f.cookie, sizeof(f.cookie));
	for (size_t i = 0; cookie[i]; i++) {
		char before = cookie[i];

		cookie[i] = before == 'A' ? 'B' : 'A';
		assert_int_equal(oidc_flow_resume(&again, key, cookie, NOW), -1);
		cookie[i] = before;
	}
	cookie[OIDC_FLOW_COOKIE_SIZE - 1] = 'A';
	assert_int_equal(oidc_flow_resume(&again, key, cookie, NOW), -1);
	assert_int_equal(oidc_flow_resume(&again, key, "", NOW), -1);
	assert_int_equal(oidc_flow_resume(&again, key, "\xff\xfe", NOW), -1);
}

/* RFC 7636, 4.2. */
static void the_challenge_is_that_of_the_verifier(void **state)
{
	struct oidc_flow f;
	uint8_t digest[SECRET_MAC_SIZE];

	(void)state;
	oidc_flow_begin(&f, key, NOW);
	sha256_of(f.verifier, strlen(f.verifier), digest);
	_free_ char *text = base64url_encode(digest, sizeof(digest));

	assert_string_equal(f.challenge, text);
}

static void the_cookie_is_found_among_others(void **state)
{
	struct request r;

	(void)state;
	request_init(&r, "/", "127.0.0.1:5");
	_free_ char *none = request_cookie(&r, "a");

	assert_null(none);
	request_header(&r, "Cookie", "aa=1; a=2=3;b=; a=4");
	request_header(&r, "Cookie", "c=5");
	_free_ char *a = request_cookie(&r, "a"), *b = request_cookie(&r, "b"), *c = request_cookie(&r, "c"),
		    *d = request_cookie(&r, "d");

	assert_string_equal(a, "2=3");
	assert_string_equal(b, "");
	assert_string_equal(c, "5");
	assert_null(d);
	request_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_goes_on_where_the_cookie_is),
		cmocka_unit_test(all_that_comes_from_it_differs),
		cmocka_unit_test(an_altered_cookie_is_none),
		cmocka_unit_test(the_challenge_is_that_of_the_verifier),
		cmocka_unit_test(the_cookie_is_found_among_others),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
