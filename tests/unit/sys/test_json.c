/* What cJSON lets pass must not pass here; what is valid must. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/json.h"

#include <string.h>

static bool parses(const char *text, size_t n)
{
	struct err e;
	cJSON *j = json_parse(text, n, &e);
	bool ok = j != NULL;

	cJSON_Delete(j);
	if (!ok)
		assert_int_equal(e.class, ERR_PERMANENT);
	return ok;
}

static void test_valid(void **state)
{
	static const char *const valid[] = { "{}", "[]", "null", "true", "\"\"", " \t\r\n[1, -0.5e+10, 0, 10]\n",
		"{\"a\":{\"b\":[{}]}}", "\"\\u0001\\\\u0000\"", ("\"stra\xc3\x9f" "e\""),
		"\"\\ud83d\\ude00\"", "-0" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(valid); i++)
		if (!parses(valid[i], strlen(valid[i])))
			fail_msg("refused: %s", valid[i]);
}

static void test_invalid(void **state)
{
	static const char *const invalid[] = { "", " ", "{", "{}x", "{} {}", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "01",
		"1.", ".5", "+1", "1e", "- 1", "nul", "NaN", "Infinity", "\"\\u0000\"", "\"a\\u0000b\"", "\"\n\"", "\"\x01\"",
		"\"\\x41\"", "\"\\ud83d\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}", "\v{}", "{}\f",
		"\"open", "\"open\\", "\"open\\\"", "[\"a\" \"b\"]", "/* */ {}", "[1 ", "[[1] ", "{\"a\":1\n", "[1] ]" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
		if (parses(invalid[i], strlen(invalid[i])))
			fail_msg("taken: %s", invalid[i]);
}

static void test_nul_and_length(void **state)
{
	(void)state;
	assert_false(parses("{}\0{}", 5));
	assert_false(parses("\"a\0b\"", 5));
	assert_false(parses("[1]", 2));
	assert_true(parses("[1]2", 3)); /* what is behind the length does not count */
}

static void test_says_where(void **state)
{
	struct err e;

	(void)state;
	assert_null(json_parse("{\"a\": 01}", 9, &e));
	assert_string_equal(e.text, "invalid JSON at byte 6");
	assert_null(json_parse("[\"\\u0000\"]", 10, &e));
	assert_string_equal(e.text, "invalid JSON at byte 2");
}

/* A thousand levels of nesting would not fit a small stack. */
static void test_depth(void **state)
{
	char text[2 * (JSON_DEPTH_MAX + 1)];

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_true(parses(text, 2 * JSON_DEPTH_MAX));
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_false(parses(text, sizeof(text)));
}

static void test_get(void **state)
{
	static const char text[] = "{\"s\":\"x\",\"n\":12,\"f\":1.5,\"m\":-1,\"big\":1e300,\"z\":null,"
				   "\"exact\":9007199254740992}";
	struct err e;
	_json_ cJSON *j = json_parse(text, sizeof(text) - 1, &e);
	const char *s = NULL;
	uint64_t n = 0;

	(void)state;
	assert_non_null(j);
	assert_int_equal(json_get_str(j, "s", &s), 1);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_str(j, "S", &s), 0);
	assert_int_equal(json_get_str(j, "z", &s), 0);
	assert_int_equal(json_get_str(j, "n", &s), -1);
	assert_int_equal(json_get_u64(j, "n", &n), 1);
	assert_int_equal(n, 12);
	assert_int_equal(json_get_u64(j, "exact", &n), 1);
	assert_true(n == UINT64_C(9007199254740992));
	assert_int_equal(json_get_u64(j, "f", &n), -1);
	assert_int_equal(json_get_u64(j, "m", &n), -1);
	assert_int_equal(json_get_u64(j, "big", &n), -1);
	assert_int_equal(json_get_u64(j, "s", &n), -1);
	assert_int_equal(json_get_u64(j, "none", &n), 0);
}

/* Whatever goes in, what comes out is JSON again. */
static void test_print(void **state)
{
	_json_ cJSON *j = cJSON_CreateObject();
	struct err e;

	(void)state;
	json_add_str(j, "bytes", "a\xff\xc3(\xe2\x82");
	json_add_str(j, "controls", "\x01\n\"\\");
	json_add_str(j, "none", NULL);
	json_add_u64(j, "exact", UINT64_C(9007199254740992));
	json_add_u64(j, "over", UINT64_MAX);
	json_add_bool(j, "yes", true);
	_free_ char *text = json_print(j);
	_json_ cJSON *again = json_parse(text, strlen(text), &e);
	const char *value;

	assert_non_null(again);
	assert_int_equal(json_get_str(again, "bytes", &value), 1);
	assert_string_equal(value, "a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd");
	assert_int_equal(json_get_str(again, "over", &value), 1);
	assert_string_equal(value, "18446744073709551615");
	assert_non_null(strstr(text, "\"exact\":9007199254740992,"));
}

static void test_type(void **state)
{
	(void)state;
	assert_true(json_is_type("application/json") && json_is_type("Application/JSON; charset=utf-8") && json_is_type("application/json ;x"));
	assert_false(json_is_type(NULL) || json_is_type("") || json_is_type("application/jsonl") || json_is_type("application/json x") ||
		json_is_type("text/html; application/json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),	  cmocka_unit_test(test_invalid), cmocka_unit_test(test_nul_and_length),
		cmocka_unit_test(test_says_where), cmocka_unit_test(test_depth),   cmocka_unit_test(test_get),
		cmocka_unit_test(test_print),	  cmocka_unit_test(test_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
