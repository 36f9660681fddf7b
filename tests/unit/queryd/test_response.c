/* Problems are JSON whatever stands in them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/response.h"

#include <string.h>

static cJSON *body_of(const struct response *r)
{
	struct err e;
	cJSON *j = json_parse(r->body, r->length, &e);

	assert_non_null(j);
	return j;
}

static void expect_text(const cJSON *j, const char *name, const char *wanted)
{
	const char *got;

	assert_int_equal(json_get_str(j, name, &got), 1);
	assert_string_equal(got, wanted);
}

static void test_problem(void **state)
{
	CLEANUP(response_deinit) struct response r = { 0 };
	uint64_t status;

	(void)state;
	response_problem(&r, 404, "No \"%s\".", "such\nthing");
	_json_ cJSON *j = body_of(&r);

	assert_int_equal(r.status, 404);
	assert_string_equal(r.content_type, "application/problem+json");
	expect_text(j, "type", "about:blank");
	expect_text(j, "title", "Not Found");
	expect_text(j, "detail", "No \"such\nthing\".");
	assert_int_equal(json_get_u64(j, "status", &status), 1);
	assert_int_equal(status, 404);
	assert_null(cJSON_GetObjectItemCaseSensitive(j, "field"));
}

static void test_problem_at(void **state)
{
	CLEANUP(response_deinit) struct response r = { 0 };
	uint64_t position;

	(void)state;
	response_unavailable(&r, "Later.");
	response_problem_at(&r, "query", 7, "A quote is missing.");
	_json_ cJSON *j = body_of(&r);

	assert_int_equal(r.status, 400);
	assert_int_equal(r.header_count, 0); /* Retry-After of the response before is gone */
	expect_text(j, "field", "query");
	assert_int_equal(json_get_u64(j, "position", &position), 1);
	assert_int_equal(position, 7);
}

/* A detail that is cut in the middle of a character is still JSON. */
static void test_long_detail(void **state)
{
	CLEANUP(response_deinit) struct response r = { 0 };
	char text[1001] = "x";

	(void)state;
	for (size_t i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\x9f", 2);
	response_problem(&r, 400, "%s", text);
	_json_ cJSON *j = body_of(&r);

	assert_non_null(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_problem),
		cmocka_unit_test(test_problem_at),
		cmocka_unit_test(test_long_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
