/* The description and the route table name the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/openapi.h"
#include "queryd/route.h"
#include "sys/json.h"

#include <string.h>

static cJSON *document(void)
{
	size_t n;
	const char *text = openapi_text(&n);
	struct err e;
	cJSON *j = json_parse(text, n, &e);

	assert_non_null(j);
	return j;
}

static const cJSON *operation(const cJSON *j, const struct route *r)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(j, "paths");
	const cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, r->pattern);

	return cJSON_GetObjectItemCaseSensitive(path, r->method == METHOD_POST ? "post" : "get");
}

static void test_every_route_is_described(void **state)
{
	_json_ cJSON *j = document();

	(void)state;
	for (const struct route *r = routes; r->handle; r++) {
		const cJSON *o = operation(j, r);

		if (!o)
			fail_msg("%s is not described", r->pattern);
		/* what needs no sign-in says so, and what needs a permission names it */
		assert_int_equal(r->permission == NULL, cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(o, "security")));
		const char *summary = "";

		assert_int_equal(json_get_str(o, "summary", &summary), 1);
		if (r->permission && !strstr(summary, r->permission))
			fail_msg("%s does not say that it needs %s", r->pattern, r->permission);
	}
}

static bool is_route(const char *pattern, const char *method)
{
	for (const struct route *r = routes; r->handle; r++)
		if (strcmp(r->pattern, pattern) == 0 && strcmp(r->method == METHOD_POST ? "post" : "get", method) == 0)
			return true;
	return false;
}

static void test_nothing_else_is_described(void **state)
{
	_json_ cJSON *j = document();
	const cJSON *path, *item;

	(void)state;
	cJSON_ArrayForEach (path, cJSON_GetObjectItemCaseSensitive(j, "paths"))
		cJSON_ArrayForEach (item, path)
			if (strcmp(item->string, "parameters") != 0 && !is_route(path->string, item->string))
				fail_msg("%s %s is described but does not exist", item->string, path->string);
}

/* Every "#/…" leads somewhere. */
static void check_references(const cJSON *root, const cJSON *at)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, at) {
		if (item->string && strcmp(item->string, "$ref") == 0) {
			CLEANUP(strv_deinit) struct strv steps = { 0 };
			const cJSON *target = root;

			strv_split(&steps, item->valuestring + 1, "/");
			for (size_t i = 0; i < steps.n && target; i++)
				target = cJSON_GetObjectItemCaseSensitive(target, steps.items[i]);
			if (!target)
				fail_msg("%s leads nowhere", item->valuestring);
		}
		check_references(root, item);
	}
}

static void test_references(void **state)
{
	_json_ cJSON *j = document();

	(void)state;
	check_references(j, j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_route_is_described),
		cmocka_unit_test(test_nothing_else_is_described),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
