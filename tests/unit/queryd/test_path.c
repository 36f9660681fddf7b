/* The path decides what is read: nothing in it may have two readings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/path.h"

#include <stdio.h>
#include <string.h>

/* The segments with | behind each, or "!" when it is refused. Caller frees. */
static char *parse(const char *target)
{
	CLEANUP(strv_deinit) struct strv segments = { 0 };
	const char *why = NULL;

	if (path_parse(&segments, target, &why) < 0) {
		assert_non_null(why);
		return mem_strdup("!");
	}
	_free_ char *joined = strv_join(&segments, "|");

	return segments.n ? mem_printf("%s|", joined) : mem_strdup("");
}

static void expect(const char *target, const char *wanted)
{
	_free_ char *got = parse(target);

	if (strcmp(got, wanted) != 0)
		fail_msg("%s: got %s, wanted %s", target, got, wanted);
}

static void test_segments(void **state)
{
	(void)state;
	expect("/", "");
	expect("/healthz", "healthz|");
	expect("/a/b/", "a|b|");
	expect("/a//b", "a||b|");
	expect("//", "|");
	expect("/a/..", "a|..|");
	expect("https://host.example:8443/a/b", "a|b|");
	expect("HTTPS://host.example", "!");
}

static void test_escapes(void **state)
{
	(void)state;
	expect("/a%2Fb", "a/b|"); /* never separates */
	expect("/%61%2e%2E", "a..|");
	expect("/%25", "%|");
	expect("/%C3%9f", "\xc3\x9f|");
	expect("/%", "!");
	expect("/%4", "!");
	expect("/%4g", "!");
	expect("/%/41", "!");
	expect("/%4/1", "!");
	expect("/%00", "!");
	expect("/a%00b", "!");
	expect("/%0a", "!");
	expect("/%7f", "!");
	expect("/%ff", "!");
	expect("/%c0%af", "!"); /* overlong slash */
	expect("/%-1", "!");
}

static void test_refused(void **state)
{
	(void)state;
	expect("", "!");
	expect("*", "!");
	expect("a", "!");
	expect("http://host.example/a", "!");
	expect("/a#b", "!");
	expect("/a b", "!");
	expect("/a\tb", "!");
	expect("/\xc3\x9f", "!");
	expect("/\x7f", "!");
}

/* name=value| for each, or "!" when it is refused. */
static void expect_query(const char *target, const char *wanted)
{
	CLEANUP(strv_deinit) struct strv names = { 0 }, values = { 0 };
	const char *why = NULL;
	char got[200] = "";

	if (path_parse_query(&names, &values, target, &why) < 0) {
		assert_non_null(why);
		snprintf(got, sizeof(got), "!");
	} else {
		assert_int_equal(names.n, values.n);
		for (size_t i = 0; i < names.n; i++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s=%s|", names.items[i], values.items[i]);
	}
	if (strcmp(got, wanted) != 0)
		fail_msg("%s: got %s, wanted %s", target, got, wanted);
}

static void test_query(void **state)
{
	(void)state;
	expect("/a?b=c", "a|");
	expect("/a/?b=/c/", "a|");
	expect("/?b=c", "");
	expect_query("/a", "");
	expect_query("/a?", "");
	expect_query("/a?b=c", "b=c|");
	expect_query("/a?b=", "b=|");
	expect_query("/a?b=c=d&e=%26%3D%2B+x", "b=c=d|e=&=+ x|");
	expect_query("/a?b=c/?d", "b=c/?d|");
	expect_query("/a?%62=c", "b=c|");
	expect_query("/a?b=c&b=d", "!");
	expect_query("/a?b=c&%62=d", "!");
	expect_query("/a?b", "!");
	expect_query("/a?=c", "!");
	expect_query("/a?b=c&", "b=c|");
	expect_query("/a?b=c&&d=e", "!");
	expect_query("/a?b=%00", "!");
	expect_query("/a?b=%0a", "!");
	expect_query("/a?b=%ff", "!");
	expect_query("/a?b=%c0%af", "!");
	expect_query("/a?b=%4", "!");
	expect_query("/a?b%=c", "!");
	expect_query("/a?b=\xc3\x9f", "!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
