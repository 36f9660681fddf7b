/* scope: what two scopes have in common, whether one is within another, and that its text says the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/scope_grant.h"

#include <string.h>

#define A "a@example.org"
#define B "b@example.org"
#define DAY_US INT64_C(86400000000)

static struct scope *of(const char *mailboxes, int64_t from_us, int64_t until_us)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };

	if (mailboxes)
		strv_split(&list, mailboxes, " ");
	return scope_grant(!mailboxes, &list, from_us, until_us);
}

static void is_printed(const struct scope *s, const char *expected)
{
	_free_ char *text = scope_print(s), *again = NULL;
	CLEANUP(scope_freep) struct scope *read = NULL;
	struct err e;

	assert_string_equal(text, expected);
	read = scope_parse(text, &e);
	assert_non_null(read);
	again = scope_print(read);
	assert_string_equal(again, expected);
}

static void text_says_the_same(void **state)
{
	CLEANUP(scope_freep) struct scope *all = of(NULL, INT64_MIN, INT64_MAX), *none = of("", INT64_MIN, INT64_MAX);
	CLEANUP(scope_freep) struct scope *two = of(B " " A, DAY_US, DAY_US + 1);

	(void)state;
	is_printed(all, "{\"all_mailboxes\":true}");
	is_printed(none, "{\"mailboxes\":[]}");
	is_printed(two, "{\"mailboxes\":[\"" A "\",\"" B "\"],\"from\":\"1970-01-02T00:00:00Z\",\"until\":\"1970-01-02T00:00:00.000001Z\"}");
}

static void what_is_no_scope_is_refused(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"mailboxes\":1}", "{\"mailboxes\":[1]}", "{\"all_mailboxes\":false}",
		"{\"all_mailboxes\":true,\"from\":\"soon\"}", "{\"all_mailboxes\":true,\"until\":1}" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(scope_parse(bad[i], &e));
}

/* What both cover, in either order, is within both. */
static void meets(const struct scope *a, const struct scope *b, const char *expected)
{
	CLEANUP(scope_freep) struct scope *one = scope_meet(a, b), *other = scope_meet(b, a);

	is_printed(one, expected);
	is_printed(other, expected);
	assert_true(scope_is_within(one, a) && scope_is_within(one, b));
}

static void two_have_in_common(void **state)
{
	CLEANUP(scope_freep) struct scope *all = of(NULL, 0, INT64_MAX), *a = of(A, INT64_MIN, DAY_US), *ab = of(A " " B, 0, 2 * DAY_US);
	CLEANUP(scope_freep) struct scope *b = of(B, INT64_MIN, INT64_MAX);

	(void)state;
	meets(all, ab, "{\"mailboxes\":[\"" A "\",\"" B "\"],\"from\":\"1970-01-01T00:00:00Z\",\"until\":\"1970-01-03T00:00:00Z\"}");
	meets(a, ab, "{\"mailboxes\":[\"" A "\"],\"from\":\"1970-01-01T00:00:00Z\",\"until\":\"1970-01-02T00:00:00Z\"}");
	meets(a, b, "{\"mailboxes\":[],\"until\":\"1970-01-02T00:00:00Z\"}");
	assert_false(scope_is_within(all, ab));
	assert_false(scope_is_within(a, ab)); /* begins earlier */
	assert_true(scope_is_within(ab, all));
	assert_false(scope_is_within(ab, a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_says_the_same),
		cmocka_unit_test(what_is_no_scope_is_refused),
		cmocka_unit_test(two_have_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
