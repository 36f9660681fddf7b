/* Rebuilding at a server (STRONGROOM_TEST_ES; skipped without one): months one by one, taken up again, nobody else's indices
 * touched. */
#include "tests/unit/index/fixture.h"

#include "index/index_es.h"

static const struct index_rebuild everything = { INT64_MIN, INT64_MAX, false };

/* The id of a message archived in that month. */
static struct uuid in_month(int year, int month, unsigned n)
{
	uint64_t ms = (uint64_t)(clock_day_us(year, month, 15) / 1000);
	struct uuid id = numbered(n);

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	return id;
}

static void add_to(struct index *i, struct uuid id, const char *body)
{
	add_doc(i, (struct index_doc){ .id = id, .date_us = uuid_time_us(&id), .body = body }, NULL);
}

static int set_up(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	if (getenv("STRONGROOM_TEST_ES"))
		fixture_init(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->server)
		fixture_deinit(f);
	free(f);
	return 0;
}

static void need_server(const struct fixture *f)
{
	if (!f->server)
		skip();
}

static void assert_found(struct fixture *f, const char *text, const char *expected)
{
	struct scope *all = scope_of_all();
	_free_ char *got = found(f->index, all, text);

	assert_string_equal(got, expected);
	scope_freep(&all);
}

static bool has_index(struct fixture *f, const char *tail)
{
	struct strv names CLEANUP(strv_deinit) = fixture_indices(f);
	bool has = false;

	for (size_t i = 0; i < names.n; i++)
		has |= strlen(names.items[i]) >= strlen(tail) &&
			strcmp(names.items[i] + strlen(names.items[i]) - strlen(tail), tail) == 0;
	return has;
}

static void fill_three_months(struct fixture *f)
{
	struct err e;

	add_to(f->index, in_month(2020, 1, 1), "old january");
	add_to(f->index, in_month(2020, 2, 2), "old february");
	add_to(f->index, in_month(2020, 3, 3), "old march");
	assert_int_equal(index_sync(f->index, &e), 0);
}

static void test_a_month_is_exchanged_alone(void **state)
{
	const struct index_rebuild february = { clock_day_us(2020, 2, 1), clock_day_us(2020, 3, 1), false };
	struct fixture *f = *state;
	struct index *fresh;
	struct uuid done;
	struct err e = { 0 };

	need_server(f);
	fill_three_months(f);
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &february, &done, &e), 0);
	add_to(fresh, in_month(2020, 2, 4), "new february");
	assert_found(f, "old", "3 2 1"); /* nothing of it shows before it is finished */
	assert_found(f, "new", "");
	assert_int_equal(index_rebuild_finish(&fresh, &f->conf, &e), 0);
	assert_found(f, "old", "3 1");
	assert_found(f, "february", "4");
	add_to(f->index, in_month(2020, 2, 5), "later february"); /* goes to the new one, under the old name */
	assert_found(f, "february", "5 4");
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &february, &done, &e), 0);
	assert_int_equal(index_rebuild_finish(&fresh, &f->conf, &e), 0);
	assert_found(f, "february", "");
	assert_found(f, "old", "3 1");
}

static void test_an_interrupted_one_goes_on(void **state)
{
	static const struct index_rebuild afresh = { INT64_MIN, INT64_MAX, true };
	const struct index_rebuild other = { clock_day_us(2020, 1, 1), clock_day_us(2020, 2, 1), false };
	struct uuid first = in_month(2020, 1, 1), done;
	struct fixture *f = *state;
	struct index *fresh;
	struct err e = { 0 };

	need_server(f);
	fill_three_months(f);
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &everything, &done, &e), 0);
	add_to(fresh, first, "new january");
	assert_int_equal(index_rebuild_note(fresh, &first, &e), 0);
	index_rebuild_suspend(&fresh, &f->conf);
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &everything, &done, &e), 0);
	assert_memory_equal(done.bytes, first.bytes, UUID_SIZE);
	add_to(fresh, in_month(2020, 3, 3), "new march");
	assert_int_equal(index_rebuild_finish(&fresh, &f->conf, &e), 0);
	assert_found(f, "", "3 1");
	assert_found(f, "new", "3 1");
	/* what was finished is nothing to go on with; nor is what covers something else, or what shall not be */
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &everything, &done, &e), 0);
	assert_int_equal(done.bytes[0], 0);
	assert_int_equal(index_rebuild_note(fresh, &first, &e), 0);
	index_rebuild_suspend(&fresh, &f->conf);
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &other, &done, &e), 0);
	assert_int_equal(done.bytes[0], 0);
	assert_int_equal(index_rebuild_note(fresh, &first, &e), 0);
	index_rebuild_suspend(&fresh, &f->conf);
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &afresh, &done, &e), 0);
	assert_int_equal(done.bytes[0], 0);
	index_rebuild_abandon(&fresh, &f->conf);
	assert_found(f, "new", "3 1");
}

/* Somebody at another machine is at work on it. */
static void test_two_machines_dont_rebuild_at_once(void **state)
{
	struct fixture *f = *state;
	struct index *fresh, *second;
	struct uuid done;
	struct err e = { 0 };

	need_server(f);
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &everything, &done, &e), 0);
	free(f->conf.node);
	f->conf.node = mem_strdup("elsewhere");
	assert_int_equal(index_rebuild_begin(&second, &f->conf, &everything, &done, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	index_rebuild_abandon(&fresh, &f->conf);
	assert_int_equal(index_rebuild_begin(&second, &f->conf, &everything, &done, &e), 0);
	index_rebuild_abandon(&second, &f->conf);
}

/* Another archive's name begins alike. */
static void test_other_archives_are_left_alone(void **state)
{
	struct fixture *f = *state;
	struct fixture other = { .server = f->server };
	struct index *fresh;
	struct uuid done;
	struct err e = { 0 };

	need_server(f);
	assert_int_equal(conf_load_defaults(&other.conf, &e), 0);
	free(other.conf.index);
	free(other.conf.es_hosts);
	other.conf.index = mem_printf("%s.b-2", f->conf.index);
	other.conf.es_hosts = mem_strdup(f->server);
	other.conf.es_shards = 1;
	assert_int_equal(index_create(&other.conf, &e), 0);
	assert_int_equal(index_open(&other.index, &other.conf, INDEX_WRITE, &e), 0);
	add_to(other.index, in_month(2020, 1, 9), "of the other");
	fill_three_months(f);
	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &everything, &done, &e), 0);
	assert_int_equal(index_rebuild_finish(&fresh, &f->conf, &e), 0);
	assert_found(&other, "other", "9");
	assert_found(f, "", "");
	assert_true(has_index(f, ".b-2-2020.01"));
	index_closep(&other.index);
	fixture_delete_indices(&other);
	conf_deinit(&other.conf);
}

static char *page_of_two(struct fixture *f, const char *cursor, unsigned newest)
{
	struct scope *all = scope_of_all();
	struct index_page page;

	search(f->index, all, "", 2, cursor, &page);
	assert_int_equal(page.n, 2);
	assert_int_equal(page.total, 8);
	assert_int_equal(number_of(&page.hits[0].id), newest);
	assert_int_equal(number_of(&page.hits[1].id), newest - 1);
	char *next = page.next;

	page.next = NULL;
	index_page_deinit(&page);
	scope_freep(&all);
	return next;
}

/* Whoever pages on while the indices are exchanged sees no seam. */
static void test_pages_across_a_rebuild(void **state)
{
	struct fixture *f = *state;
	struct index *fresh;
	struct uuid done;
	struct err e = { 0 };

	need_server(f);
	for (unsigned i = 1; i <= 8; i++)
		add_to(f->index, in_month(2020, (int)i, i), "text");
	_free_ char *second = page_of_two(f, NULL, 8), *third = page_of_two(f, second, 6);

	assert_int_equal(index_rebuild_begin(&fresh, &f->conf, &everything, &done, &e), 0);
	for (unsigned i = 1; i <= 8; i++)
		add_to(fresh, in_month(2020, (int)i, i), "text");
	assert_int_equal(index_rebuild_finish(&fresh, &f->conf, &e), 0);
	_free_ char *fourth = page_of_two(f, third, 4), *none = page_of_two(f, fourth, 2);

	assert_null(none);
}

/* What a daemon does not know of: its month's index is removed, or the whole index. */
static void test_a_lost_index(void **state)
{
	struct fixture *f = *state;
	struct index *again;
	struct err e = { 0 };

	need_server(f);
	fill_three_months(f);
	assert_found(f, "", "3 2 1");
	fixture_delete_indices(f);
	assert_int_equal(index_open(&again, &f->conf, INDEX_WRITE, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

#define ES_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ES_TEST(test_a_month_is_exchanged_alone),
		ES_TEST(test_an_interrupted_one_goes_on),
		ES_TEST(test_two_machines_dont_rebuild_at_once),
		ES_TEST(test_other_archives_are_left_alone),
		ES_TEST(test_pages_across_a_rebuild),
		ES_TEST(test_a_lost_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
