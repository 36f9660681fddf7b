/* The queries that a server is sent: always JSON, always within the scope, never deeper than a server takes. */
#include "tests/unit/index/search_cases.h"

#include "index/index_es.h"
#include "index/tokenize.h"

static cJSON *made(const char *text, const struct scope *scope)
{
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	struct query *q = parsed(text);
	struct err e = { 0 };

	es_put_query(&j, q, scope, t);
	query_freep(&q);
	assert_false(j.full);
	cJSON *json = json_parse(j.text.data, j.text.len, &e);

	if (!json)
		fail_msg("%s: %s: %s", text, e.text, j.text.data);
	return json;
}

static const cJSON *member_of(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

/* The whole query is one conjunction: the time range, the mailboxes, what was asked for. */
static void assert_within(const cJSON *json, const char *text)
{
	const cJSON *list = member_of(member_of(json, "bool"), "filter");

	if (cJSON_GetArraySize(json) != 1 || cJSON_GetArraySize(member_of(json, "bool")) != 1 || cJSON_GetArraySize(list) != 3)
		fail_msg("%s: the query is not one conjunction of three", text);
	assert_non_null(member_of(member_of(cJSON_GetArrayItem(list, 0), "range"), "date"));
	const cJSON *boxes = member_of(member_of(cJSON_GetArrayItem(list, 1), "bool"), "should");
	const cJSON *terms = member_of(cJSON_GetArrayItem(boxes, 0), "terms");

	assert_int_equal(cJSON_GetArraySize(boxes), 1);
	assert_int_equal(cJSON_GetArraySize(member_of(terms, "mailbox")), 2);
}

static void test_every_query_stands_within_the_scope(void **state)
{
	struct scope *two = scope_of("ann@example.org bob@example.org");

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(search_cases); k++) {
		_json_ cJSON *json = made(search_cases[k].query, two);

		assert_within(json, search_cases[k].query);
	}
	scope_freep(&two);
}

static void test_an_empty_scope_matches_nothing(void **state)
{
	struct scope *none = scope_grant(false, NULL, INT64_MIN, INT64_MAX);
	_json_ cJSON *json = made("", none);
	_free_ char *text = json_print(json);

	(void)state;
	assert_non_null(strstr(text, "match_none"));
	scope_freep(&none);
}

/* Of what is wrapped up the server counts anew. */
static unsigned depth_of(const cJSON *json)
{
	unsigned deepest = 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, json)
	{
		unsigned d = depth_of(item);

		if (d > deepest)
			deepest = d;
	}
	return deepest + (json->string && strcmp(json->string, "bool") == 0);
}

static unsigned wraps(const cJSON *json)
{
	unsigned n = json->string && strcmp(json->string, "wrapper") == 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, json)
		n += wraps(item);
	return n;
}

static void test_deep_queries_are_wrapped_up(void **state)
{
	struct scope *all = scope_of_all();
	struct buf b = BUF_INIT(QUERY_TEXT_MAX);

	(void)state;
	for (int i = 0; i < QUERY_DEPTH_MAX; i++)
		assert_int_equal(buf_printf(&b, "w%d %s (", i, i % 2 ? "OR" : "AND"), 0);
	assert_int_equal(buf_add_str(&b, "end"), 0);
	for (int i = 0; i < QUERY_DEPTH_MAX; i++)
		assert_int_equal(buf_add_str(&b, ")"), 0);
	_json_ cJSON *json = made(b.data, all);

	assert_in_range(depth_of(json), 2, 12);
	assert_int_equal(wraps(json), 1);
	buf_deinit(&b);
	scope_freep(&all);
}

static void test_long_lists_stay_flat(void **state)
{
	struct scope *all = scope_of_all();
	struct buf b = BUF_INIT(QUERY_TEXT_MAX);

	(void)state;
	for (int i = 0; i < 120; i++)
		assert_int_equal(buf_printf(&b, "%sw%d", i ? " OR " : "", i), 0);
	_json_ cJSON *json = made(b.data, all);

	assert_in_range(depth_of(json), 1, 3);
	buf_deinit(&b);
	scope_freep(&all);
}

/* A word cut at the end, or anything else, is as it was between the quotes. */
static void test_strings_are_json_whatever_is_in_them(void **state)
{
	static const char *const texts[] = { "", "plain", "\"quoted\" \\ and / \x7f", "tab\tline\nend\r\x01\x1f", "caf\xc3\xa9 \xf0\x9f\x98\x80",
		"bad \xff\xfe bytes \xc3", "\xe2\x80", "\xef\xbf\xbd" };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
		CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
		struct err e;

		es_put_string(&j, texts[k], strlen(texts[k]));
		_json_ cJSON *json = json_parse(j.text.data, j.text.len, &e);

		assert_true(cJSON_IsString(json));
		if (str_utf8_valid(texts[k], strlen(texts[k])))
			assert_string_equal(json->valuestring, texts[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_query_stands_within_the_scope),
		cmocka_unit_test(test_an_empty_scope_matches_nothing),
		cmocka_unit_test(test_deep_queries_are_wrapped_up),
		cmocka_unit_test(test_long_lists_stay_flat),
		cmocka_unit_test(test_strings_are_json_whatever_is_in_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
