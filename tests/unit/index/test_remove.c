/* index_remove: what was removed is found no more, by no query, and may be added again; others don't notice. */
#include "tests/unit/index/fixture.h"

static uint64_t matches(struct fixture *f, const char *text)
{
	CLEANUP(query_freep) struct query *q = NULL;
	CLEANUP(scope_freep) struct scope *all = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	CLEANUP(index_page_deinit) struct index_page page = { 0 };
	struct query_error why;
	struct err e = { 0 };

	assert_int_equal(query_parse(&q, text, &why), 0);
	const struct index_request r = { .query = q, .limit = 100 };

	assert_int_equal(index_sync(f->index, &e), 0);
	if (index_search(f->index, all, &r, &page, &e))
		fail_msg("%s", e.text);
	assert_int_equal(page.total, page.n);
	return page.n;
}

static void remove_ids(struct fixture *f, const struct uuid *ids, size_t n)
{
	struct err e = { 0 };

	if (index_sync(f->index, &e) || index_remove(f->index, ids, n, &e))
		fail_msg("%s", e.text);
}

static void test_remove(void **state)
{
	const struct uuid gone[] = { numbered(2), numbered(7) }; /* the latter never was there */
	const struct index_doc doc = { .id = numbered(2), .date_us = 77, .subject = "fig", .body = "strawberry jam" };
	bool present[2];
	struct fixture f;
	uint64_t n;
	struct err e;

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .date_us = 77, .body = "strawberry cake" }, NULL);
	add_doc(f.index, doc, NULL);
	assert_int_equal(matches(&f, "strawberry"), 2);
	for (int again = 0; again < 2; again++) {
		remove_ids(&f, gone, ARRAY_LEN(gone));
		assert_int_equal(matches(&f, "strawberry"), 1);
		assert_int_equal(matches(&f, "jam"), 0);
		assert_int_equal(matches(&f, "straw*"), 1);
		assert_int_equal(matches(&f, "subject:fig"), 0);
		assert_int_equal(index_has(f.index, gone, 2, present, &e), 0);
		assert_true(!present[0] && !present[1]);
		assert_int_equal(index_count(f.index, &n, &e), 0);
		assert_int_equal(n, 1);
	}
	assert_int_equal(index_count_gone(f.index, &n, &e), 0);
	assert_int_equal(n, f.server ? 0 : 1);
	add_doc(f.index, doc, NULL);
	assert_int_equal(matches(&f, "strawberry"), 2);
	assert_int_equal(matches(&f, "jam"), 1);
	assert_false(index_is_damaged(&f.conf));
	fixture_deinit(&f);
}

/* What is removed while another index grows beside it is not in that one either. */
static void test_remove_while_rebuilding(void **state)
{
	const struct uuid gone = numbered(2);
	struct index *fresh;
	struct fixture f;
	struct err e;
	uint64_t n;

	(void)state;
	fixture_init(&f);
	if (!f.server) {
		add_doc(f.index, (struct index_doc){ .id = gone, .body = "strawberry jam" }, NULL);
		assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0);
		add_doc(fresh, (struct index_doc){ .id = gone, .body = "strawberry jam" }, NULL);
		remove_ids(&f, &gone, 1);
		assert_int_equal(index_rebuild_finish(&fresh, &f.conf, &e), 0);
		assert_int_equal(matches(&f, "jam"), 0);
		assert_int_equal(index_count(f.index, &n, &e), 0);
		assert_int_equal(n, 0);
	}
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_remove_while_rebuilding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
