/* RFC 4180, and that nothing else is taken for it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/csv.h"
#include "cli/department_import.h"

#include <string.h>

/* All rows, fields with | and rows with / behind each; "!" and the line when one is wrong. Caller frees. */
static char *rows(const char *text, size_t n)
{
	char *all = mem_strdup("");
	struct csv c;
	struct err e;

	csv_init(&c, text, n);
	for (;;) {
		CLEANUP(strv_deinit) struct strv fields = { 0 };
		int rc = csv_row(&c, &fields, &e);
		_free_ char *joined = strv_join(&fields, "|");

		if (rc == 0)
			return all;
		char *longer = rc < 0 ? mem_printf("!%u", c.line) : mem_printf("%s%s/", all, joined);

		free(all);
		all = longer;
		if (rc < 0)
			return all;
	}
}

static void expect(const char *text, const char *wanted)
{
	_free_ char *got = rows(text, strlen(text));

	if (strcmp(got, wanted) != 0)
		fail_msg("%s: got %s, wanted %s", text, got, wanted);
}

static void test_rows(void **state)
{
	(void)state;
	expect("", "");
	expect("\n\r\n", "");
	expect("a,b", "a|b/");
	expect("a,b\r\nc,d\r\n", "a|b/c|d/");
	expect("\xef\xbb\xbf" "a,b\n", "a|b/");
	expect("a,,\n,\n", "a||/|/");
	expect("\"a,b\",c\n", "a,b|c/");
	expect("\"a \"\"b\"\"\",\"\"\n", "a \"b\"|/");
	expect("\"a\nb\",c\nd,e\n", "a\nb|c/d|e/");
	expect("a\rb,c\n", "a\rb|c/");
}

static void test_wrong(void **state)
{
	_free_ char *nul = rows("a,b\nc\0d,e\n", 10);

	(void)state;
	assert_string_equal(nul, "!2");
	expect("a,b\nc\"d,e\n", "!2");
	expect("\"a\nb\"\n\"c\"d\n", "!3");
	expect("a\n\"b", "!2");
	expect("a\n\"b\"\"", "!2");
}

/* "name: mailboxes; " for each, or the error. Caller frees. */
static char *departments(const char *text)
{
	CLEANUP(department_list_deinit) struct department_list l = { 0 };
	char *all = mem_strdup("");
	struct err e;

	if (department_list_read(&l, text, strlen(text), &e) < 0) {
		free(all);
		return mem_strdup(e.text);
	}
	for (size_t i = 0; i < l.n; i++) {
		_free_ char *mailboxes = strv_join(&l.items[i].mailboxes, " ");
		char *longer = mem_printf("%s%s: %s; ", all, l.items[i].name, mailboxes);

		free(all);
		all = longer;
	}
	return all;
}

static void expect_departments(const char *text, const char *wanted)
{
	_free_ char *got = departments(text);

	if (!strstr(got, wanted))
		fail_msg("%s: got %s, wanted %s", text, got, wanted);
}

static void test_departments(void **state)
{
	(void)state;
	expect_departments("Sales,b@example.org\nLaw, a@example.org\nSales,c@example.org\n",
		"Law: a@example.org; Sales: b@example.org c@example.org; ");
	expect_departments("Name,MAILBOX,x,Department\nB,b@example.org,1,Sales\n", "Sales: b@example.org; ");
	expect_departments("\"A, B\",b@example.org", "A, B: b@example.org; ");
	expect_departments("", "there is no department");
	expect_departments("department,mailbox\n", "there is no department");
	expect_departments("Sales,b@example.org,1\n", "line 1: it has 3 columns");
	expect_departments("x,department,mailbox\n1,Sales\n", "line 2: it has 2 columns");
	expect_departments("Sales,b@example.org\nSales,bob\n", "line 2: \"bob\" is no mailbox");
	expect_departments(" ,b@example.org\n", "line 1: the department's name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_departments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
