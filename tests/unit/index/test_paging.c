#include "tests/unit/index/fixture.h"

#define DAY (INT64_C(86400) * CLOCK_SECOND)

static void add_numbered(struct index *i, unsigned n, int64_t date_us)
{
	add_doc(i, (struct index_doc){ .id = numbered(n), .date_us = date_us, .body = "text" }, "ann@example.org");
}

/* New mail comes in before, between and behind the pages that were read, also within the second of the last hit. */
static void test_new_mail_never_shifts_later_pages(void **state)
{
	struct scope *all = scope_of_all();
	_free_ char *cursor = NULL;
	struct index_page page;
	struct fixture f;
	unsigned next = 99;

	(void)state;
	fixture_init(&f);
	for (unsigned i = 0; i < 100; i++)
		add_numbered(f.index, i, (int64_t)(i / 4) * DAY);
	for (int pages = 0; pages < 10; pages++) {
		search(f.index, all, "text", 10, cursor, &page);
		assert_int_equal(page.n, 10);
		for (size_t k = 0; k < page.n; k++) {
			unsigned n = number_of(&page.hits[k].id);

			assert_int_equal(n / 4, next / 4); /* one second: in any order, but each once */
			assert_true(n < 100);
			next--;
		}
		free(cursor);
		cursor = page.next;
		page.next = NULL;
		index_page_deinit(&page);
		add_numbered(f.index, 1000 + (unsigned)pages, 1000 * DAY);
		add_numbered(f.index, 2000 + (unsigned)pages, (int64_t)((next + 1) / 4 + 2) * DAY);
	}
	assert_null(cursor);
	assert_int_equal(next + 1, 0);
	scope_freep(&all);
	fixture_deinit(&f);
}

static void test_one_second_full_of_mail(void **state)
{
	struct scope *all = scope_of_all();
	struct index_doc *docs = MEM_ARRAY(struct index_doc, 3000);
	bool seen[3000] = { false };
	_free_ char *cursor = NULL;
	struct index_page page;
	struct fixture f;
	struct err e;
	size_t total = 0;

	(void)state;
	fixture_init(&f);
	for (unsigned i = 0; i < 3000; i++)
		docs[i] = (struct index_doc){ .id = numbered(i), .date_us = i % 2 ? -DAY : 0, .body = "blast" };
	assert_int_equal(index_add(f.index, docs, 3000, &e), 0);
	do {
		search(f.index, all, "blast", 499, cursor, &page);
		for (size_t k = 0; k < page.n; k++, total++) {
			assert_false(seen[number_of(&page.hits[k].id)]);
			seen[number_of(&page.hits[k].id)] = true;
		}
		free(cursor);
		cursor = page.next;
		page.next = NULL;
		index_page_deinit(&page);
	} while (cursor);
	assert_int_equal(total, 3000);
	search(f.index, all, "date:1969-12-31", 1, NULL, &page);
	assert_int_equal(page.total, 1500);
	index_page_deinit(&page);
	free(docs);
	scope_freep(&all);
	fixture_deinit(&f);
}

/* Counting stops at INDEX_COUNT_MAX; pages go on. */
static void test_counts_to_the_limit(void **state)
{
	enum { N = INDEX_COUNT_MAX + 1200 };
	struct index_doc *docs = MEM_ARRAY(struct index_doc, N);
	struct scope *all = scope_of_all();
	_free_ char *cursor = NULL;
	struct index_page page;
	struct fixture f;
	struct err e;
	size_t total = 0;

	(void)state;
	fixture_init(&f);
	for (unsigned i = 0; i < N; i++)
		docs[i] = (struct index_doc){ .id = numbered(i), .date_us = i * CLOCK_SECOND,
			.body = i < INDEX_COUNT_MAX ? "some all" : "all" };
	assert_int_equal(index_add(f.index, docs, N, &e), 0);
	search(f.index, all, "some", 1, NULL, &page);
	assert_int_equal(page.total, INDEX_COUNT_MAX);
	assert_true(page.total_exact);
	index_page_deinit(&page);
	do {
		search(f.index, all, "all", INDEX_PAGE_MAX, cursor, &page);
		assert_int_equal(page.total, INDEX_COUNT_MAX);
		assert_false(page.total_exact);
		assert_int_equal(number_of(&page.hits[0].id), N - 1 - total);
		total += page.n;
		free(cursor);
		cursor = page.next;
		page.next = NULL;
		index_page_deinit(&page);
	} while (cursor);
	assert_int_equal(total, N);
	free(docs);
	scope_freep(&all);
	fixture_deinit(&f);
}

/* With no time to count, what lies behind the first thousand may stay uncounted; no page lacks a message for it. Servers count by
 * themselves. */
static void test_counts_while_there_is_time(void **state)
{
	enum { N = 5 * INDEX_COUNT_SURE, FEW = INDEX_COUNT_SURE - 10 };
	struct index_doc *docs = MEM_ARRAY(struct index_doc, N);
	struct scope *all = scope_of_all();
	struct query *many = parsed("all"), *few = parsed("some");
	struct index_request r = { .query = few, .limit = 10, .count_us = 1 };
	_free_ char *cursor = NULL;
	struct index_page page;
	struct fixture f;
	struct err e;
	size_t seen = 0;

	(void)state;
	if (getenv("STRONGROOM_TEST_ES"))
		skip();
	fixture_init(&f);
	for (unsigned i = 0; i < N; i++)
		docs[i] = (struct index_doc){ .id = numbered(i), .date_us = i * CLOCK_SECOND, .body = i < FEW ? "some all" : "all" };
	assert_int_equal(index_add(f.index, docs, N, &e), 0);
	assert_int_equal(index_search(f.index, all, &r, &page, &e), 0);
	assert_int_equal(page.total, FEW);
	assert_true(page.total_exact);
	index_page_deinit(&page);
	r.query = many;
	r.limit = INDEX_PAGE_MAX;
	do {
		r.cursor = cursor;
		assert_int_equal(index_search(f.index, all, &r, &page, &e), 0);
		assert_false(page.total_exact);
		assert_in_range(page.total, INDEX_COUNT_SURE, N);
		assert_int_equal(page.total % INDEX_COUNT_SURE, 0);
		for (size_t k = 0; k < page.n; k++)
			assert_int_equal(number_of(&page.hits[k].id), N - ++seen);
		free(cursor);
		cursor = page.next;
		page.next = NULL;
		index_page_deinit(&page);
	} while (cursor);
	assert_int_equal(seen, N);
	query_freep(&few);
	query_freep(&many);
	free(docs);
	scope_freep(&all);
	fixture_deinit(&f);
}

/* Each page is asked of an index that was just opened, as after a restart of the program between them. */
static void test_cursors_outlive_the_program(void **state)
{
	struct scope *all = scope_of_all();
	_free_ char *cursor = NULL;
	struct index_page page;
	struct fixture f;
	unsigned next = 29;

	(void)state;
	fixture_init(&f);
	for (unsigned i = 0; i < 30; i++)
		add_numbered(f.index, i, (int64_t)i * DAY);
	do {
		search(f.index, all, "text", 7, cursor, &page);
		for (size_t k = 0; k < page.n; k++)
			assert_int_equal(number_of(&page.hits[k].id), next--);
		free(cursor);
		cursor = page.next;
		page.next = NULL;
		index_page_deinit(&page);
		index_closep(&f.index);
		fixture_open(&f);
	} while (cursor);
	assert_int_equal(next + 1, 0);
	scope_freep(&all);
	fixture_deinit(&f);
}

static void test_refuses_foreign_cursors_and_limits(void **state)
{
	static const char *const foreign[] = { "", "1", "next", "0123456789abcdef01234567", "7fffffffffffffffffffffffffffff",
		"-123456789abcdef00000000", "0x00000000000000aaaaaaaa", "000000000000000A00000000" };
	struct scope *all = scope_of_all();
	struct query *q = parsed("");
	struct index_request r = { .query = q, .limit = 10 };
	struct index_page page;
	struct fixture f;
	struct err e;

	(void)state;
	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		r.cursor = foreign[i];
		assert_int_equal(index_search(f.index, all, &r, &page, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
	r.cursor = NULL;
	r.limit = 0;
	assert_int_equal(index_search(f.index, all, &r, &page, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	r.limit = INDEX_PAGE_MAX + 1;
	assert_int_equal(index_search(f.index, all, &r, &page, &e), -1);
	query_freep(&q);
	scope_freep(&all);
	fixture_deinit(&f);
}

static void test_a_document_is_added_once(void **state)
{
	struct scope *all = scope_of_all();
	struct fixture f;
	uint64_t n;
	struct err e;

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .body = "first" }, NULL);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .body = "second" }, NULL);
	struct index_doc twice[] = { { .id = numbered(2), .body = "third" }, { .id = numbered(2), .body = "fourth" } };

	assert_int_equal(index_add(f.index, twice, 2, &e), 0);
	_free_ char *first = found(f.index, all, "first OR third OR fourth"), *second = found(f.index, all, "second");

	assert_string_equal(first, "2 1");
	assert_string_equal(second, "");
	assert_int_equal(index_count(f.index, &n, &e), 0);
	assert_int_equal(n, 2);
	scope_freep(&all);
	fixture_deinit(&f);
}

static void test_snippets_of_a_page(void **state)
{
	static const struct {
		const char *query, *snippet;
	} cases[] = {
		{ "body", "the <mark>body</mark> &amp; nothing else" },
		{ "title", "A <mark>Title</mark> &lt;b&gt;" },
		{ "title AND body", "the <mark>body</mark> &amp; nothing else" },
		{ "body NOT nosuch", "the <mark>body</mark> &amp; nothing else" },
		{ "subject:body OR from:ann", "the body &amp; nothing else" },
		{ "", "the body &amp; nothing else" },
		{ "size:>0", "the body &amp; nothing else" },
		{ "noth*", "the body &amp; <mark>nothing</mark> else" },
	};
	struct scope *all = scope_of_all();
	struct index_page page;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .size = 5, .from = "Ann <ann@example.org>",
		.subject = "A Title <b>", .body = "the body & nothing else" }, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		search(f.index, all, cases[i].query, 1, NULL, &page);
		assert_int_equal(page.n, 1);
		assert_string_equal(page.hits[0].snippet, cases[i].snippet);
		index_page_deinit(&page);
	}
	scope_freep(&all);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_mail_never_shifts_later_pages),
		cmocka_unit_test(test_one_second_full_of_mail),
		cmocka_unit_test(test_counts_to_the_limit),
		cmocka_unit_test(test_counts_while_there_is_time),
		cmocka_unit_test(test_cursors_outlive_the_program),
		cmocka_unit_test(test_refuses_foreign_cursors_and_limits),
		cmocka_unit_test(test_a_document_is_added_once),
		cmocka_unit_test(test_snippets_of_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
