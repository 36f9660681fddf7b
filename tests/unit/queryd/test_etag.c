/* Which version a client means: strong for changes, weak too for reading. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/etag.h"

static unsigned changed(const char *if_match)
{
	_free_ char *copy = mem_strdup(if_match);
	struct request r = { .if_match = copy };
	struct call c = { .request = &r };
	unsigned status = etag_check(&c, "v7") == 0 ? 0 : c.response.status;

	response_deinit(&c.response);
	return status;
}

static unsigned ask_with(enum method m, const char *if_none_match)
{
	_free_ char *copy = mem_strdup(if_none_match);
	struct request r = { .method = m, .if_none_match = copy };
	struct call c = { .request = &r };

	response_json(&c.response, cJSON_CreateObject());
	etag_answer(&c, "v7");
	unsigned status = c.response.status;

	assert_string_equal(c.response.headers[0].value, "\"v7\"");
	assert_int_equal(c.response.length, status == 304 ? 0 : 2);
	response_deinit(&c.response);
	return status;
}

static unsigned read_with(const char *if_none_match)
{
	return ask_with(METHOD_GET, if_none_match);
}

static void test_changes(void **state)
{
	(void)state;
	assert_int_equal(changed(NULL), 0);
	assert_int_equal(changed("\"v7\""), 0);
	assert_int_equal(changed("*"), 0);
	assert_int_equal(changed("\"v6\" , \"v7\""), 0);
	assert_int_equal(changed("\"v70\""), 412);
	assert_int_equal(changed("\"v\""), 412);
	assert_int_equal(changed("v7"), 412);
	assert_int_equal(changed("W/\"v7\""), 412);
	assert_int_equal(changed(""), 412);
	assert_int_equal(changed(",,"), 412);
}

static void test_reading(void **state)
{
	(void)state;
	assert_int_equal(read_with(NULL), 200);
	assert_int_equal(read_with("\"v7\""), 304);
	assert_int_equal(read_with("W/\"v7\""), 304);
	assert_int_equal(read_with("\"a\", W/\"v7\""), 304);
	assert_int_equal(read_with("\"v8\""), 200);
	assert_int_equal(ask_with(METHOD_HEAD, "*"), 304);
	assert_int_equal(ask_with(METHOD_PATCH, "*"), 200); /* it was changed: what it is now is told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
