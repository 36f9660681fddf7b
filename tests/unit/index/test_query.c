#include "tests/unit/index/fixture.h"

#include "base/buf.h"

/* ---- the tree, written with every parenthesis ---- */

static void show(struct buf *b, const struct query *q)
{
	static const char *const names[] = { [QUERY_AND] = "AND", [QUERY_OR] = "OR", [QUERY_DATE] = "date",
		[QUERY_SIZE] = "size" };

	switch (q->op) {
	case QUERY_ALL:
		assert_int_equal(buf_add_str(b, "ALL"), 0);
		break;
	case QUERY_HAS_ATTACHMENT:
		assert_int_equal(buf_add_str(b, "HAS"), 0);
		break;
	case QUERY_IS:
		assert_int_equal(buf_add_str(b, q->mark == MARK_TRUNCATED ? "TRUNCATED" : "UNREADABLE"), 0);
		break;
	case QUERY_LINKED:
	case QUERY_ONE:
		fail_msg("no text asks for this");
		break;
	case QUERY_NOT:
		assert_int_equal(buf_add_str(b, "!"), 0);
		show(b, q->left);
		break;
	case QUERY_TEXT:
		if (q->fields != FIELD_ANY)
			assert_int_equal(buf_printf(b, "%x:", q->fields), 0);
		assert_int_equal(buf_printf(b, "[%s]%s", q->text, q->prefix ? "*" : ""), 0);
		break;
	case QUERY_DATE:
	case QUERY_SIZE:
		assert_int_equal(buf_printf(b, "%s", names[q->op]), 0);
		break;
	case QUERY_AND:
	case QUERY_OR:
		assert_int_equal(buf_add_str(b, "("), 0);
		show(b, q->left);
		assert_int_equal(buf_printf(b, " %s ", names[q->op]), 0);
		show(b, q->right);
		assert_int_equal(buf_add_str(b, ")"), 0);
	}
}

static void test_trees(void **state)
{
	static const struct {
		const char *text, *tree;
	} cases[] = {
		{ "", "ALL" },
		{ " \t\r\n ", "ALL" },
		{ "a", "[a]" },
		{ "a b", "([a] AND [b])" },
		{ "a AND b", "([a] AND [b])" },
		{ "a b OR c d", "(([a] AND [b]) OR ([c] AND [d]))" },
		{ "a (b OR c) d", "(([a] AND ([b] OR [c])) AND [d])" },
		{ "a NOT b OR c", "(([a] AND ![b]) OR [c])" },
		{ "NOT (a b)", "!([a] AND [b])" },
		{ "a AND NOT b", "([a] AND ![b])" },
		{ "a and b", "(([a] AND [and]) AND [b])" },
		{ "\"a AND b\"", "[a AND b]" },
		{ "\"OR\" OR \"NOT\"", "([OR] OR [NOT])" },
		{ "rep*", "[rep]*" },
		{ "\"annual rep\"*", "[annual rep]*" },
		{ "from:a b", "(1:[a] AND [b])" },
		{ "from: a", "1:[a]" },
		{ "from:(a OR b) c", "((1:[a] OR 1:[b]) AND [c])" },
		{ "from:(a OR to:b)", "(1:[a] OR 2:[b])" },
		{ "Message-ID:<x@y.z>", "100:[<x@y.z>]" },
		{ "to:\"a b\"", "2:[a b]" },
		{ "has:attachment Has:ATTACHMENT", "(HAS AND HAS)" },
		{ "is:truncated OR NOT Is:Unreadable", "(TRUNCATED OR !UNREADABLE)" },
		{ "date:(2011 OR 2012)", "(date OR date)" },
		{ "date:\"2011\"", "date" },
		{ "http://example.org/x", "[http://example.org/x]" },
		{ "Re: budget", "([Re] AND [budget])" },
		{ "12:30", "[12:30]" },
		{ "a & b", "([a] AND [b])" },
		{ "a AND & b", "([a] AND [b])" },
		{ "- a -", "[a]" },
		{ "a -15,900 --b \"-c\" d-e", "(((([a] AND [-15,900]) AND [--b]) AND [-c]) AND [d-e])" },
		{ "“a b”", "[a b]" },
		{ "a(b)c", "(([a] AND [b]) AND [c])" },
		{ "a\"b c\"d", "(([a] AND [b c]) AND [d])" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(query_freep) struct query *q = parsed(cases[i].text);
		CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);

		show(&b, q);
		assert_string_equal(b.data, cases[i].tree);
	}
}

static void test_errors_say_where_and_why(void **state)
{
	static const struct {
		const char *text;
		size_t position;
		const char *says; /* a part of it */
	} cases[] = {
		{ "(a b", 0, "never closed" },
		{ "a (b (c)", 2, "never closed" },
		{ "a)", 1, "closes nothing" },
		{ ")", 0, "closes nothing" },
		{ "(a OR )", 6, "word is missing" },
		{ "a ()", 2, "nothing between" },
		{ "a \"b c", 2, "quote is never closed" },
		{ "from:\"b c", 5, "quote is never closed" },
		{ "OR a", 0, "the one before it" },
		{ "a OR", 4, "missing at the end" },
		{ "a AND", 5, "missing at the end" },
		{ "a OR OR b", 5, "OR stands between" },
		{ "a AND OR b", 6, "OR stands between" },
		{ "NOT", 3, "missing at the end" },
		{ "NOT NOT a", 4, "twice" },
		{ "a -b", 2, "write NOT" },
		{ "a -from:b", 2, "write NOT" },
		{ "-\"a b\"", 0, "in quotes" },
		{ "a -(b c)", 2, "write NOT" },
		{ "subject:-été", 8, "write NOT" },
		{ "sender:bob", 0, "no field \"sender\"" },
		{ "a from:", 2, "After from:" },
		{ "from: OR b", 0, "After from:" },
		{ "from:to:b", 0, "After from:" },
		{ "*", 0, "no letter or digit" },
		{ "a OR -", 5, "no letter or digit" },
		{ "NOT &", 4, "no letter or digit" },
		{ "subject:\"...\"", 8, "no letter or digit" },
		{ "&", 0, "no letter or digit" },
		{ "re*port", 2, "only at the end" },
		{ "x *port", 2, "only at the end" },
		{ "date:yesterday", 5, "No such date" },
		{ "date:2011-13", 5, "No such date" },
		{ "date:2011-02-29", 5, "No such date" },
		{ "date:2011-6", 5, "No such date" },
		{ "date:2011*", 5, "No such date" },
		{ "date:..", 5, "No such date" },
		{ "date:2015..2014", 5, "No such date" },
		{ "size:2M..1M", 5, "No such size" },
		{ "date:0000", 5, "No such date" },
		{ "date:", 0, "After date:" },
		{ "after:2011..2012", 6, "after: takes a day" },
		{ "before:>2011", 7, "before: takes a day" },
		{ "size:big", 5, "No such size" },
		{ "size:-1", 5, "No such size" },
		{ "size:99999999999999999999", 5, "No such size" },
		{ "size:9999999999G", 5, "No such size" },
		{ "has:wings", 4, "has:attachment" },
		{ "is:wings", 3, "is:unreadable" },
		{ "is:trunc*", 3, "is:unreadable" },
		{ "is:", 0, "After is:" },
		{ "gr\xfcn", 0, "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query_error error;
		struct query *q = NULL;

		if (query_parse(&q, cases[i].text, &error) != -1)
			fail_msg("%s was taken", cases[i].text);
		assert_null(q);
		if (error.position != cases[i].position || !strstr(error.text, cases[i].says))
			fail_msg("%s: %zu: %s", cases[i].text, error.position, error.text);
	}
}

static char *repeated(const char *piece, size_t n)
{
	struct buf b = BUF_INIT(1 << 20);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_add_str(&b, piece), 0);
	return buf_take(&b);
}

static void check_limit(size_t times, const char *before, const char *middle, const char *after, const char *says)
{
	_free_ char *a = repeated(before, times), *b = repeated(after, times);
	_free_ char *text = mem_printf("%s%s%s", a, middle, b);
	struct query_error error;
	struct query *q = NULL;
	int rc = query_parse(&q, text, &error);

	if (says && (rc != -1 || !strstr(error.text, says)))
		fail_msg("%.40s: %s", text, error.text);
	if (!says && rc)
		fail_msg("%.40s: %s", text, error.text);
	query_freep(&q);
}

static void test_limits(void **state)
{
	(void)state;
	check_limit(QUERY_DEPTH_MAX, "(", "a", ")", NULL);
	check_limit(QUERY_DEPTH_MAX + 1, "(", "a", ")", "nested");
	check_limit(5000, "(", "a", "", "nested");
	check_limit(1000, "NOT ", "a", "", "twice");
	check_limit(127, "a ", "a", "", NULL);
	check_limit(128, "a ", "a", "", "more than 256 parts");
	check_limit(QUERY_TEXT_MAX - 1, " ", "a", "", NULL);
	check_limit(QUERY_TEXT_MAX, " ", "a", "", "longer than 8192");
}

static void check_range(const char *text, int64_t low, int64_t high)
{
	CLEANUP(query_freep) struct query *q = parsed(text);

	if (q->low != low || q->high != high)
		fail_msg("%s: %lld..%lld", text, (long long)q->low, (long long)q->high);
}

static void test_ranges(void **state)
{
	(void)state;
	check_range("date:2011", clock_day_us(2011, 1, 1), clock_day_us(2012, 1, 1));
	check_range("date:2011-12", clock_day_us(2011, 12, 1), clock_day_us(2012, 1, 1));
	check_range("date:2012-02", clock_day_us(2012, 2, 1), clock_day_us(2012, 3, 1));
	check_range("date:2011-06-15", clock_day_us(2011, 6, 15), clock_day_us(2011, 6, 16));
	check_range("date:2011-06-15..2011-06-20", clock_day_us(2011, 6, 15), clock_day_us(2011, 6, 21));
	check_range("date:2011..2011-06", clock_day_us(2011, 1, 1), clock_day_us(2011, 7, 1));
	check_range("date:>=2011-06", clock_day_us(2011, 6, 1), INT64_MAX);
	check_range("date:>2011-06", clock_day_us(2011, 7, 1), INT64_MAX);
	check_range("date:<2011-06", INT64_MIN, clock_day_us(2011, 6, 1));
	check_range("date:<=2011-06", INT64_MIN, clock_day_us(2011, 7, 1));
	check_range("after:2011-06", clock_day_us(2011, 6, 1), INT64_MAX);
	check_range("before:2011-06", INT64_MIN, clock_day_us(2011, 6, 1));
	check_range("date:9999", clock_day_us(9999, 1, 1), clock_day_us(10000, 1, 1));
	check_range("size:10", 10, 11);
	check_range("size:1K..2k", 1024, 2049);
	check_range("size:>1M", 1048577, INT64_MAX);
	check_range("size:>=1G", 1073741824, INT64_MAX);
	check_range("size:<5", INT64_MIN, 5);
	check_range("size:..5", INT64_MIN, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_errors_say_where_and_why),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
