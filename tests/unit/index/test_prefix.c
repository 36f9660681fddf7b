/* Beginnings of words: few and many that begin so, in fields and scopes, added by several writers, and what is never
 * found by its beginning. */
#include "tests/unit/index/fixture.h"

#include "index/index_fts_db.h"
#include "index/index_fts_terms.h"

/* One document a word: <prefix>0, <prefix>1 ... */
static void add_family(struct index *i, const char *prefix, unsigned first, unsigned n)
{
	struct index_doc *docs = MEM_ARRAY(struct index_doc, n);
	char **bodies = MEM_ARRAY(char *, n);
	struct err e = { 0 };

	for (unsigned k = 0; k < n; k++) {
		bodies[k] = mem_printf("%s%u", prefix, k);
		docs[k] = (struct index_doc){ .id = numbered(first + k), .date_us = (first + k) * CLOCK_SECOND,
			.body = bodies[k] };
	}
	if (index_add(i, docs, n, &e))
		fail_msg("%s", e.text);
	for (unsigned k = 0; k < n; k++)
		free(bodies[k]);
	free(bodies);
	free(docs);
}

static uint64_t total(struct index *i, const char *query)
{
	struct scope *all = scope_of_all();
	struct index_page page;

	search(i, all, query, 1, NULL, &page);
	uint64_t n = page.total;

	index_page_deinit(&page);
	scope_freep(&all);
	return n;
}

static void assert_found(struct index *i, const struct scope *scope, const char *query, const char *expected)
{
	_free_ char *got = found(i, scope, query);

	assert_string_equal(got, expected);
}

static void test_few_and_many_words_are_found_alike(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	add_family(f.index, "exact", 1, FTS_TERMS_MAX);
	add_family(f.index, "legion", 10000, FTS_TERMS_MAX + 1);
	assert_int_equal(total(f.index, "exact*"), FTS_TERMS_MAX);
	assert_int_equal(total(f.index, "legion*"), FTS_TERMS_MAX + 1);
	assert_int_equal(total(f.index, "exact* OR legion*"), 2 * FTS_TERMS_MAX + 1);
	assert_int_equal(total(f.index, "NOT exact*"), FTS_TERMS_MAX + 1);
	assert_int_equal(total(f.index, "exac* NOT exact1*"), FTS_TERMS_MAX - total(f.index, "exact1*"));
	assert_int_equal(total(f.index, "e*"), FTS_TERMS_MAX);
	assert_int_equal(total(f.index, "nosuch*"), 0);
	assert_int_equal(total(f.index, "exact* nosuch*"), 0);
	fixture_deinit(&f);
}

/* Together they are more words than one query may name. */
static void test_many_prefixes_in_one_query(void **state)
{
	struct buf query = BUF_INIT(QUERY_TEXT_MAX);
	struct fixture f;
	unsigned n = 0;

	(void)state;
	fixture_init(&f);
	for (char c = 'a'; n < FTS_TERMS_QUERY_MAX + 2000; c++, n += 500) {
		char prefix[] = { 'w', 'o', 'r', c, '\0' };

		add_family(f.index, prefix, n + 1, 500);
		assert_int_equal(buf_printf(&query, "%s%s*", n ? " OR " : "", prefix), 0);
	}
	assert_int_equal(total(f.index, query.data), n);
	buf_deinit(&query);
	fixture_deinit(&f);
}

static void test_fields_phrases_and_scopes_are_kept_to(void **state)
{
	struct scope *all = scope_of_all(), *bob = scope_of("bob@example.net");
	struct fixture f;

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .subject = "quarterly", .body = "the \"quartered\" figures",
		.from = "alice@example.org" }, "bob@example.net");
	add_doc(f.index, (struct index_doc){ .id = numbered(2), .subject = "figures", .body = "quarterback",
		.from = "malice@example.org", .to = "alice@example.com" }, "carol@example.net");
	assert_found(f.index, all, "quart*", "2 1");
	assert_found(f.index, all, "subject:quart*", "1");
	assert_found(f.index, all, "body:quarterb*", "2");
	assert_found(f.index, bob, "quart*", "1");
	assert_found(f.index, bob, "quarterb*", "");
	assert_found(f.index, all, "\"the quart\"*", "1");
	assert_found(f.index, all, "\"figures quart\"*", "");
	assert_found(f.index, all, "alice@exa*", "2 1");
	assert_found(f.index, all, "from:alice@exa*", "1");
	assert_found(f.index, all, "alic* NOT mali*", "1");
	scope_freep(&all);
	scope_freep(&bob);
	fixture_deinit(&f);
}

/* Two that write by turns, each knowing the words of its own only; and a rebuild that both take part in. */
static void test_every_writers_words_are_found(void **state)
{
	struct index *other, *fresh;
	struct err e = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(index_open(&other, &f.conf, INDEX_WRITE, &e), 0);
	add_family(f.index, "turn", 1, 10);
	add_family(other, "turn", 100, 20);
	assert_int_equal(index_sync(other, &e), 0);
	add_family(f.index, "turn", 200, 30);
	assert_int_equal(total(f.index, "turn*"), 60);
	assert_int_equal(total(other, "turn2*"), 1 + 1 + 11);
	assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0);
	add_family(other, "late", 1000, 5);
	assert_int_equal(index_sync(other, &e), 0);
	add_family(fresh, "turn", 1, 30);
	assert_int_equal(index_rebuild_finish(&fresh, &f.conf, &e), 0);
	assert_int_equal(total(other, "turn*"), 30);
	add_family(f.index, "turn", 2000, 40);
	assert_int_equal(index_sync(f.index, &e), 0);
	assert_int_equal(total(other, "turn*"), 70);
	if (!f.server) /* else whoever rebuilds adds them again */
		assert_int_equal(total(f.index, "late*"), 5);
	index_closep(&other);
	fixture_deinit(&f);
}

static int64_t ask_file(const char *file, const char *sql)
{
	sqlite3_stmt *s = NULL;
	struct fts_db *db;
	struct err e;

	assert_int_equal(fts_db_open(&db, file, FTS_READ, &e), 0);
	assert_int_equal(sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);

	sqlite3_finalize(s);
	fts_db_closep(&db);
	return n;
}

/* Nothing about participants, sizes or attachments is among the words. */
static void test_the_words_hold_text_alone(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	if (f.server) {
		fixture_deinit(&f);
		skip();
	}
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .size = 5000, .has_attachment = true,
		.body = "\x02mabc alpha Alpha ALPHA beta" }, "bob@example.net");
	assert_int_equal(ask_file(f.file, "SELECT count(*) FROM term"), 3);
	assert_int_equal(ask_file(f.file, "SELECT count(*) FROM term WHERE term < x'20'"), 0);
	fixture_deinit(&f);
}

#ifdef STRONGROOM_FAULTS
/* Words of a transaction that was rolled back are not taken for written. */
static void test_words_of_a_failed_batch_are_written_again(void **state)
{
	struct index_doc doc = { .id = numbered(1), .date_us = CLOCK_SECOND, .body = "failing" };
	struct fixture f;
	struct index *fresh;
	struct err e;

	(void)state;
	fixture_init(&f);
	if (f.server) {
		fixture_deinit(&f);
		skip();
	}
	assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0); /* it keeps its connection whatever happens */
	setenv("STRONGROOM_FAULT", "index-commit=fail", 1);
	assert_int_equal(index_add(fresh, &doc, 1, &e), -1);
	unsetenv("STRONGROOM_FAULT");
	assert_int_equal(index_add(fresh, &doc, 1, &e), 0);
	assert_int_equal(index_rebuild_finish(&fresh, &f.conf, &e), 0);
	assert_int_equal(ask_file(f.file, "SELECT count(*) FROM term"), 1);
	assert_int_equal(total(f.index, "fail*"), 1);
	fixture_deinit(&f);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_and_many_words_are_found_alike),
		cmocka_unit_test(test_many_prefixes_in_one_query),
		cmocka_unit_test(test_fields_phrases_and_scopes_are_kept_to),
		cmocka_unit_test(test_every_writers_words_are_found),
		cmocka_unit_test(test_the_words_hold_text_alone),
#ifdef STRONGROOM_FAULTS
		cmocka_unit_test(test_words_of_a_failed_batch_are_written_again),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
