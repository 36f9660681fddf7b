/* Every mistake in a search request gets a problem that names the field; nothing is guessed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "index/index.h"
#include "queryd/query.h"
#include "sys/json.h"

#include <string.h>

/* Reads a body; 0 or the status, the problem's field in `field` ("" when it names none). */
static unsigned run(const char *content_type, const char *body, struct search_request *r, char field[32])
{
	struct request request = { .content_type = (char *)(uintptr_t)content_type,
		.body = { .data = (char *)(uintptr_t)body, .len = strlen(body) } };
	struct call call = { .request = &request };
	const char *name = "";
	struct err e;

	if (search_request_read(&call, r) == 0) {
		assert_int_equal(call.response.status, 0);
		return 0;
	}
	_json_ cJSON *j = json_parse(call.response.body, call.response.length, &e);

	assert_non_null(j);
	json_get_str(j, "field", &name);
	strncpy(field, name, 31);
	unsigned status = call.response.status;

	response_deinit(&call.response);
	return status;
}

static void refused(const char *body, unsigned wanted, const char *wanted_field)
{
	CLEANUP(search_request_deinit) struct search_request r = { 0 };
	char field[32] = "";
	unsigned status = run("application/json", body, &r, field);

	if (status != wanted || strcmp(field, wanted_field) != 0)
		fail_msg("%s: got %u %s, wanted %u %s", body, status, field, wanted, wanted_field);
}

static void test_all_fields(void **state)
{
	CLEANUP(search_request_deinit) struct search_request r = { 0 };
	char field[32];
	static const char body[] = "{\"query\":\"minutes\",\"mailbox\":\"alice@example.org\",\"department\":\"Legal\","
				   "\"after\":\"2011-06-15\",\"before\":\"2011-06-16T02:00:00+02:00\",\"limit\":500,"
				   "\"cursor\":\"abc\"}";

	(void)state;
	assert_int_equal(run("application/json; charset=utf-8", body, &r, field), 0);
	assert_string_equal(r.mailbox, "alice@example.org");
	assert_string_equal(r.department, "Legal");
	assert_true(r.after_us == clock_day_us(2011, 6, 15));
	assert_true(r.before_us == clock_day_us(2011, 6, 16));
	assert_int_equal(r.limit, 500);
	assert_string_equal(r.cursor, "abc");
	assert_int_equal(r.query->op, QUERY_TEXT);
	assert_string_equal(r.text, "{\"query\":\"minutes\",\"mailbox\":\"alice@example.org\",\"department\":\"Legal\","
				    "\"after\":\"2011-06-15\",\"before\":\"2011-06-16T02:00:00+02:00\",\"limit\":500,"
				    "\"cursor\":\"abc\"}");
}

static void test_nothing_asked(void **state)
{
	static const char *const bodies[] = { "{}", "{\"query\":null,\"mailbox\":null,\"after\":null,\"limit\":null}",
		"{\"query\":\"\"}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		CLEANUP(search_request_deinit) struct search_request r = { 0 };
		char field[32];

		assert_int_equal(run("application/json", bodies[i], &r, field), 0);
		assert_int_equal(r.query->op, QUERY_ALL);
		assert_null(r.mailbox);
		assert_null(r.cursor);
		assert_int_equal(r.limit, SEARCH_LIMIT_STANDARD);
		assert_true(r.after_us == INT64_MIN && r.before_us == INT64_MAX);
	}
}

static void test_refused(void **state)
{
	(void)state;
	refused("", 400, "");
	refused("[]", 400, "");
	refused("{\"query\":\"a\"} x", 400, "");
	refused("{\"query\":\"a\\u0000b\"}", 400, "");
	refused("{\"Query\":\"a\"}", 400, "Query");
	refused("{\"q\":\"a\"}", 400, "q");
	refused("{\"query\":\"a\",\"query\":\"b\"}", 400, "query");
	refused("{\"query\":[\"a\"]}", 400, "query");
	refused("{\"mailbox\":1}", 400, "mailbox");
	refused("{\"limit\":\"5\"}", 400, "limit");
	refused("{\"limit\":0}", 400, "limit");
	refused("{\"limit\":501}", 400, "limit");
	refused("{\"limit\":-1}", 400, "limit");
	refused("{\"limit\":1.5}", 400, "limit");
	refused("{\"limit\":1e99}", 400, "limit");
	refused("{\"after\":\"yesterday\"}", 400, "after");
	refused("{\"before\":\"2011-13-01\"}", 400, "before");
	refused("{\"before\":5}", 400, "before");
	refused("{\"query\":\"(a\"}", 400, "query");
}

/* What is asked is kept in the audit. */
static void test_no_field_is_endless(void **state)
{
	static const struct {
		const char *field;
		int max;
	} limits[] = { { "mailbox", SEARCH_MAILBOX_MAX }, { "department", SEARCH_DEPARTMENT_MAX },
		{ "cursor", SEARCH_CURSOR_MAX } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		CLEANUP(search_request_deinit) struct search_request r = { 0 };
		_free_ char *most = mem_printf("{\"%s\":\"%0*d\"}", limits[i].field, limits[i].max, 0);
		_free_ char *over = mem_printf("{\"%s\":\"%0*d\"}", limits[i].field, limits[i].max + 1, 0);
		char field[32];

		assert_int_equal(run("application/json", most, &r, field), 0);
		refused(over, 400, limits[i].field);
	}
	_free_ char *query = mem_printf("{\"query\":\"%0*d\"}", QUERY_TEXT_MAX + 1, 0);

	refused(query, 400, "query");
}

static void test_content_type(void **state)
{
	static const char *const bad[] = { NULL, "", "text/plain", "application/jsonx", "application/x-www-form-urlencoded" };
	struct search_request r = { 0 };
	char field[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(run(bad[i], "{}", &r, field), 415);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_nothing_asked),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_field_is_endless),
		cmocka_unit_test(test_content_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
