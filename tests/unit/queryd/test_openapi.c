/* The description and the route table name the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
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

/* As OpenAPI spells it. Caller frees. */
static char *method_key(enum method m)
{
	return str_lower(mem_strdup(request_method_name(m)));
}

static const cJSON *operation(const cJSON *j, const struct route *r)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(j, "paths");
	const cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, r->pattern);

	_free_ char *method = method_key(r->method);

	return cJSON_GetObjectItemCaseSensitive(path, method);
}

static bool names_parameter(const cJSON *root, const cJSON *operation, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(operation, "parameters")) {
		const cJSON *parameter = item;
		const char *text = "";

		if (json_get_str(item, "$ref", &text) == 1) {
			const cJSON *components = cJSON_GetObjectItemCaseSensitive(root, "components");

			parameter = cJSON_GetObjectItemCaseSensitive(
				cJSON_GetObjectItemCaseSensitive(components, "parameters"), strrchr(text, '/') + 1);
		}
		if (json_get_str(parameter, "name", &text) == 1 && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

static void check_route(const cJSON *j, const struct route *r)
{
	const cJSON *o = operation(j, r);
	const char *summary = "";

	if (!o)
		fail_msg("%s %s is not described", request_method_name(r->method), r->pattern);
	/* what needs no sign-in says so, and what needs a permission names it */
	if ((r->permission == NULL) != (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(o, "security")) &&
		cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(o, "security")) == 0))
		fail_msg("%s %s: is it for anybody?", request_method_name(r->method), r->pattern);
	assert_int_equal(json_get_str(o, "summary", &summary), 1);
	if (r->permission && !strstr(summary, r->permission))
		fail_msg("%s does not say that it needs %s", r->pattern, r->permission);
	if (!r->body_max != !cJSON_GetObjectItemCaseSensitive(o, "requestBody"))
		fail_msg("%s %s: does it take a body?", request_method_name(r->method), r->pattern);
	for (const char *const *p = r->parameters; p && *p; p++)
		if (!names_parameter(j, o, *p))
			fail_msg("%s does not describe the parameter %s", r->pattern, *p);
	if (!names_parameter(j, o, "X-Request-ID"))
		fail_msg("%s does not say that a request may bring its id", r->pattern);
}

static void test_every_route_is_described(void **state)
{
	_json_ cJSON *j = document();

	(void)state;
	for (const struct route *const *area = route_areas; *area; area++)
		for (const struct route *r = *area; r->handle; r++)
			check_route(j, r);
}

static bool is_route(const char *pattern, const char *method)
{
	for (const struct route *const *area = route_areas; *area; area++)
		for (const struct route *r = *area; r->handle; r++) {
			_free_ char *key = method_key(r->method);

			if (strcmp(r->pattern, pattern) == 0 && strcmp(key, method) == 0)
				return true;
		}
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

static void test_every_answer_has_an_id(void **state)
{
	_json_ cJSON *j = document();
	const cJSON *path, *operation, *answer;

	(void)state;
	cJSON_ArrayForEach (path, cJSON_GetObjectItemCaseSensitive(j, "paths"))
		cJSON_ArrayForEach (operation, path)
			cJSON_ArrayForEach (answer, cJSON_GetObjectItemCaseSensitive(operation, "responses"))
				if (!cJSON_HasObjectItem(answer, "$ref") &&
					!cJSON_HasObjectItem(cJSON_GetObjectItemCaseSensitive(answer, "headers"), "X-Request-ID"))
					fail_msg("%s %s: %s has no id", operation->string, path->string, answer->string);
	const cJSON *components = cJSON_GetObjectItemCaseSensitive(j, "components");

	cJSON_ArrayForEach (answer, cJSON_GetObjectItemCaseSensitive(components, "responses"))
		if (!cJSON_HasObjectItem(cJSON_GetObjectItemCaseSensitive(answer, "headers"), "X-Request-ID"))
			fail_msg("%s has no id", answer->string);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_route_is_described),
		cmocka_unit_test(test_nothing_else_is_described),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_every_answer_has_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
