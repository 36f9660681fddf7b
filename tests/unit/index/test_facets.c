/* Facets, marks and generations, the same with every driver. */
#include "tests/unit/index/fixture.h"

#define MARKED (MARK_TRUNCATED | MARK_UNREADABLE)

static const struct facet_doc {
	unsigned number;
	const char *date, *mailboxes, *senders, *types, *body;
	unsigned marks;
} facet_docs[] = {
	{ 1, "2011-06-15T12:00:00Z", "ann@x.org bob@x.org", "ann@x.org", "application/pdf image/png", "red", 0 },
	{ 2, "2011-06-30T23:59:59Z", "ann@x.org carol@x.org", "ann@x.org carol@x.org", "application/pdf", "red green", MARK_TRUNCATED },
	{ 3, "2011-07-01T00:00:00Z", "bob@x.org", "bob@x.org", "", "green", MARK_UNREADABLE },
	{ 4, "1965-03-04T00:00:00Z", "dave@x.org ann@x.org", "dave@x.org", "text/plain", "red", MARKED },
	{ 5, "2011-07-02T00:00:00Z", "erin@y.org", "\"odd\\\"@y.org", "", "blue", 0 },
};

static void split(struct strv *list, const char *text)
{
	strv_split(list, text, " ");
}

static void fill(struct index *i)
{
	for (size_t k = 0; k < ARRAY_LEN(facet_docs); k++) {
		const struct facet_doc *d = &facet_docs[k];
		struct strv senders CLEANUP(strv_deinit) = { 0 }, types CLEANUP(strv_deinit) = { 0 };
		struct index_doc doc = { .id = numbered(d->number), .size = 10, .body = d->body, .senders = &senders,
			.attachment_types = &types, .marks = d->marks };

		split(&senders, d->senders);
		split(&types, d->types);
		assert_int_equal(clock_parse(&doc.date_us, d->date), 0);
		add_doc(i, doc, d->mailboxes);
	}
}

/* "value 2, other 1+"; caller frees. */
static char *listed(const struct index_facet_list *list)
{
	struct buf b = BUF_INIT(1 << 20);

	for (size_t i = 0; i < list->n; i++)
		assert_int_equal(buf_printf(&b, "%s%s %d", i ? ", " : "", list->values[i].value, (int)list->values[i].count), 0);
	if (list->more)
		assert_int_equal(buf_add_str(&b, " ..."), 0);
	return buf_take(&b);
}

static void count(struct index *i, const struct scope *scope, const char *text, unsigned wanted, struct index_page *page_r)
{
	struct strv legal CLEANUP(strv_deinit) = { 0 }, sales CLEANUP(strv_deinit) = { 0 }, none CLEANUP(strv_deinit) = { 0 };
	struct query *q = parsed(text);
	struct err e = { 0 };

	split(&legal, "ann@x.org bob@x.org");
	split(&sales, "bob@x.org carol@x.org nobody@x.org");
	const struct index_group groups[] = { { "legal", &legal }, { "empty", &none }, { "sales", &sales } };
	const struct index_facets_request facets = { .wanted = wanted, .groups = groups, .group_count = ARRAY_LEN(groups) };
	const struct index_request r = { .query = q, .limit = 1, .facets = &facets };

	if (index_sync(i, &e) || index_search(i, scope, &r, page_r, &e))
		fail_msg("%s", e.text);
	assert_true(page_r->has_facets);
	query_freep(&q);
}

static void expect_some(struct index *i, const struct scope *scope, const char *text, unsigned wanted, const char *const expected[FACETS])
{
	struct index_page page;

	count(i, scope, text, wanted, &page);
	for (size_t k = 0; k < FACETS; k++) {
		_free_ char *got = listed(&page.facets.of[k]);

		assert_string_equal(got, wanted & 1u << k ? expected[k] : "");
		assert_true(page.facets.of[k].exact);
	}
	index_page_deinit(&page);
}

/* Read from the index, from what is remembered of that, and in both ways. */
static void expect(struct index *i, const struct scope *scope, const char *text, const char *const expected[FACETS])
{
	const unsigned all = (1u << FACETS) - 1, remembered = all & ~(1u << FACET_DEPARTMENT);

	expect_some(i, scope, text, remembered, expected);
	expect_some(i, scope, text, remembered, expected);
	expect_some(i, scope, text, all, expected);
}

static void test_values_are_counted_within_the_query_and_the_scope(void **state)
{
	struct scope *all = scope_of_all(), *bob = scope_of("bob@x.org"), *nobody = scope_of("");
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fill(f.index);
	expect(f.index, all, "", (const char *const[FACETS]){ [FACET_SENDER] =
		"ann@x.org 2, \"odd\\\"@y.org 1, bob@x.org 1, carol@x.org 1, dave@x.org 1", [FACET_DEPARTMENT] = "legal 4, sales 3",
		[FACET_MONTH] = "2011-07 2, 2011-06 2, 1965-03 1", [FACET_ATTACHMENT_TYPE] = "application/pdf 2, image/png 1, text/plain 1" });
	expect(f.index, all, "red NOT green", (const char *const[FACETS]){ [FACET_SENDER] = "ann@x.org 1, dave@x.org 1",
		[FACET_DEPARTMENT] = "legal 2, sales 1", [FACET_MONTH] = "2011-06 1, 1965-03 1",
		[FACET_ATTACHMENT_TYPE] = "application/pdf 1, image/png 1, text/plain 1" });
	expect(f.index, bob, "", (const char *const[FACETS]){ [FACET_SENDER] = "ann@x.org 1, bob@x.org 1",
		[FACET_DEPARTMENT] = "legal 2, sales 2", [FACET_MONTH] = "2011-07 1, 2011-06 1",
		[FACET_ATTACHMENT_TYPE] = "application/pdf 1, image/png 1" });
	expect(f.index, nobody, "", (const char *const[FACETS]){ "", "", "", "" });
	expect(f.index, all, "nosuchword", (const char *const[FACETS]){ "", "", "", "" });
	fixture_deinit(&f);
	scope_freep(&all);
	scope_freep(&bob);
	scope_freep(&nobody);
}

static void add_from(struct index *i, unsigned number, const char *sender)
{
	struct strv senders CLEANUP(strv_deinit) = { 0 };

	split(&senders, sender);
	add_doc(i, (struct index_doc){ .id = numbered(number), .senders = &senders }, "");
}

/* What is remembered of a document is not taken for what another one says that came later, nor for one of another index. */
static void test_documents_come_and_go(void **state)
{
	const unsigned senders = 1u << FACET_SENDER;
	struct scope *all = scope_of_all();
	const struct uuid first = numbered(1);
	struct index *fresh = NULL;
	struct fixture f;
	struct err e = { 0 };

	(void)state;
	fixture_init(&f);
	add_from(f.index, 1, "ann@x.org");
	expect_some(f.index, all, "", senders, (const char *const[FACETS]){ "ann@x.org 1" });
	assert_int_equal(index_remove(f.index, &first, 1, &e), 0);
	expect_some(f.index, all, "", senders, (const char *const[FACETS]){ "" });
	add_from(f.index, 1, "bob@x.org");
	add_from(f.index, 2, "ann@x.org");
	expect_some(f.index, all, "", senders, (const char *const[FACETS]){ "ann@x.org 1, bob@x.org 1" });
	assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0);
	add_from(fresh, 1, "carol@x.org");
	add_from(fresh, 2, "dave@x.org");
	assert_int_equal(index_rebuild_finish(&fresh, &f.conf, &e), 0);
	expect_some(f.index, all, "", senders, (const char *const[FACETS]){ "carol@x.org 1, dave@x.org 1" });
	fixture_deinit(&f);
	scope_freep(&all);
}

static void test_what_is_not_asked_for_is_empty(void **state)
{
	struct scope *all = scope_of_all();
	struct index_page page;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fill(f.index);
	count(f.index, all, "", 1u << FACET_MONTH, &page);
	const struct index_facet_list *of = page.facets.of;

	assert_int_equal(of[FACET_MONTH].n, 3);
	assert_int_equal(of[FACET_SENDER].n + of[FACET_DEPARTMENT].n + of[FACET_ATTACHMENT_TYPE].n, 0);
	index_page_deinit(&page);
	fixture_deinit(&f);
	scope_freep(&all);
}

/* They are of all that matches, whichever page is shown; the pages are those without. */
static void test_each_page_has_the_same(void **state)
{
	const struct index_facets_request facets = { .wanted = 1u << FACET_MONTH };
	struct scope *all = scope_of_all();
	struct query *q = parsed("red OR green");
	struct index_page page, plain = { 0 };
	struct err e = { 0 };
	struct fixture f;
	size_t hits = 0;
	_free_ char *cursor = NULL;

	(void)state;
	fixture_init(&f);
	fill(f.index);
	assert_int_equal(index_sync(f.index, &e), 0);
	do {
		struct index_request r = { .query = q, .limit = 1, .cursor = cursor, .facets = &facets };

		assert_int_equal(index_search(f.index, all, &r, &page, &e), 0);
		r.facets = NULL;
		assert_int_equal(index_search(f.index, all, &r, &plain, &e), 0);
		_free_ char *months = listed(&page.facets.of[FACET_MONTH]);

		assert_string_equal(months, "2011-07 1, 2011-06 2, 1965-03 1");
		assert_memory_equal(&page.hits[0].id, &plain.hits[0].id, sizeof(struct uuid));
		assert_true(page.has_facets && !plain.has_facets);
		assert_int_equal(page.total, plain.total);
		hits += page.n;
		free(cursor);
		cursor = mem_strdup(page.next);
		index_page_deinit(&page);
		index_page_deinit(&plain);
	} while (cursor);
	assert_int_equal(hits, 4);
	query_freep(&q);
	fixture_deinit(&f);
	scope_freep(&all);
}

/* The frequent ones stay, and that there are others is said. */
static void test_a_list_ends(void **state)
{
	struct scope *all = scope_of_all();
	struct index_page page;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned n = 0; n < INDEX_FACET_VALUES + 20; n++) {
		struct strv senders CLEANUP(strv_deinit) = { 0 };
		struct index_doc doc = { .id = numbered(n + 1), .senders = &senders, .date_us = n * CLOCK_SECOND };
		char sender[32];

		snprintf(sender, sizeof(sender), "s%03u@x.org", n);
		strv_add(&senders, sender);
		if (n % 2)
			strv_add(&senders, "often@x.org");
		add_doc(f.index, doc, "");
	}
	count(f.index, all, "", 1u << FACET_SENDER, &page);
	const struct index_facet_list *list = &page.facets.of[FACET_SENDER];

	assert_int_equal(list->n, INDEX_FACET_VALUES);
	assert_true(list->more && list->exact);
	assert_string_equal(list->values[0].value, "often@x.org");
	assert_int_equal(list->values[0].count, (INDEX_FACET_VALUES + 20) / 2);
	assert_string_equal(list->values[1].value, "s000@x.org");
	index_page_deinit(&page);
	fixture_deinit(&f);
	scope_freep(&all);
}

/* The embedded index looks at the newest for so long, and says that it has not seen all. */
static void test_time_is_bounded(void **state)
{
	struct scope *all = scope_of_all();
	struct query *q = parsed("");
	struct index_page page;
	struct err e = { 0 };
	struct fixture f;

	(void)state;
	if (getenv("STRONGROOM_TEST_ES"))
		skip();
	fixture_init(&f);
	for (unsigned n = 0; n < INDEX_FACETS_SURE + 200; n++)
		add_doc(f.index, (struct index_doc){ .id = numbered(n + 1), .date_us = n * CLOCK_SECOND }, "");
	const struct index_facets_request facets = { .wanted = 1u << FACET_MONTH, .time_us = 1 };
	const struct index_request r = { .query = q, .limit = 1, .facets = &facets };

	assert_int_equal(index_search(f.index, all, &r, &page, &e), 0);
	const struct index_facet_list *months = &page.facets.of[FACET_MONTH];

	assert_true(page.has_facets && !months->exact);
	assert_in_range(months->values[0].count, INDEX_FACETS_SURE, INDEX_FACETS_SURE + 64);
	assert_int_equal(page.total, INDEX_FACETS_SURE + 200);
	assert_true(page.total_exact);
	index_page_deinit(&page);
	query_freep(&q);
	fixture_deinit(&f);
	scope_freep(&all);
}

static void test_marks_are_found(void **state)
{
	struct scope *all = scope_of_all(), *bob = scope_of("bob@x.org");
	struct fixture f;
	char *got[5];

	(void)state;
	fixture_init(&f);
	fill(f.index);
	got[0] = found(f.index, all, "is:truncated");
	got[1] = found(f.index, all, "is:unreadable");
	got[2] = found(f.index, all, "NOT (is:truncated OR IS:Unreadable)");
	got[3] = found(f.index, bob, "is:truncated OR is:unreadable");
	got[4] = found(f.index, all, "truncated");
	assert_string_equal(got[0], "2 4");
	assert_string_equal(got[1], "3 4");
	assert_string_equal(got[2], "5 1");
	assert_string_equal(got[3], "3");
	assert_string_equal(got[4], "");
	for (size_t k = 0; k < ARRAY_LEN(got); k++)
		free(got[k]);
	fixture_deinit(&f);
	scope_freep(&all);
	scope_freep(&bob);
}

static void test_a_rebuild_is_another_generation(void **state)
{
	char before[INDEX_GENERATION_SIZE], after[INDEX_GENERATION_SIZE];
	struct index *fresh;
	struct fixture f;
	struct err e = { 0 };

	(void)state;
	fixture_init(&f);
	assert_int_equal(index_generation(f.index, before, &e), 0);
	usleep(2000);
	assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0);
	add_doc(fresh, (struct index_doc){ .id = numbered(1) }, "");
	assert_int_equal(index_rebuild_finish(&fresh, &f.conf, &e), 0);
	index_closep(&f.index);
	fixture_open(&f);
	assert_int_equal(index_generation(f.index, after, &e), 0);
	assert_string_not_equal(before, after);
	assert_int_equal(index_generation(f.index, before, &e), 0);
	assert_string_equal(before, after);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_counted_within_the_query_and_the_scope),
		cmocka_unit_test(test_documents_come_and_go),
		cmocka_unit_test(test_what_is_not_asked_for_is_empty),
		cmocka_unit_test(test_each_page_has_the_same),
		cmocka_unit_test(test_a_list_ends),
		cmocka_unit_test(test_time_is_bounded),
		cmocka_unit_test(test_marks_are_found),
		cmocka_unit_test(test_a_rebuild_is_another_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
