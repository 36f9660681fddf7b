/* Many threads on one handle: adding, searching and rebuilding at once. */
#include "tests/unit/index/fixture.h"

#include "index/index_fts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define WRITERS 2
#define READERS 3
#define EACH 60

struct shared {
	struct fixture f;
	atomic_uint added, failures;
	atomic_bool finished;
};

struct worker {
	struct shared *s;
	unsigned number;
	pthread_t thread;
};

/* Failures are counted, not asserted: cmocka's jumps belong to its own thread. */
static void check(struct shared *s, bool ok)
{
	if (!ok)
		atomic_fetch_add(&s->failures, 1);
}

static void *write_mail(void *arg)
{
	struct worker *w = arg;

	for (unsigned n = 0; n < EACH; n++) {
		struct strv people = { 0 };
		struct index_doc doc = { .id = numbered(1000 * w->number + n), .date_us = n * CLOCK_SECOND,
			.body = "ประชุม common 東京", .mailboxes = &people };
		struct err e;

		strv_add(&people, n % 2 ? "ann@example.org" : "bob@example.org");
		check(w->s, index_add(w->s->f.index, &doc, 1, &e) == 0);
		strv_deinit(&people);
		atomic_fetch_add(&w->s->added, 1);
	}
	return NULL;
}

/* A search sees at least what was added before it began, and nothing of others' mail. */
static void *read_mail(void *arg)
{
	struct worker *w = arg;
	struct scope *scope = w->number ? scope_of_all() : scope_of("ann@example.org");
	struct query_error error;
	struct query *q;

	check(w->s, query_parse(&q, "ประชุม common 東京", &error) == 0);
	while (!atomic_load(&w->s->finished)) {
		struct index_request r = { .query = q, .limit = 20 };
		unsigned before = atomic_load(&w->s->added);
		struct index_page page;
		struct err e;

		check(w->s, index_search(w->s->f.index, scope, &r, &page, &e) == 0);
		check(w->s, !w->number || page.total >= before);
		for (size_t i = 0; i < page.n; i++)
			check(w->s, w->number || number_of(&page.hits[i].id) % 2 == 1);
		index_page_deinit(&page);
	}
	query_freep(&q);
	scope_freep(&scope);
	return NULL;
}

static void test_threads_share_a_handle(void **state)
{
	struct worker workers[WRITERS + READERS];
	struct shared s = { .added = 0 };

	(void)state;
	fixture_init(&s.f);
	for (unsigned i = 0; i < WRITERS + READERS; i++) {
		workers[i] = (struct worker){ .s = &s, .number = i < WRITERS ? i : i - WRITERS };
		pthread_create(&workers[i].thread, NULL, i < WRITERS ? write_mail : read_mail, &workers[i]);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(workers[i].thread, NULL);
	atomic_store(&s.finished, true);
	for (unsigned i = WRITERS; i < WRITERS + READERS; i++)
		pthread_join(workers[i].thread, NULL);
	assert_int_equal(s.failures, 0);

	uint64_t n;
	struct err e;

	assert_int_equal(index_count(s.f.index, &n, &e), 0);
	assert_int_equal(n, WRITERS * EACH);
	fixture_deinit(&s.f);
}

struct waiter {
	struct fts *f;
	atomic_bool has_one;
};

static void *wait_for_reader(void *arg)
{
	struct waiter *w = arg;
	struct fts_db *db;
	struct err e;

	if (fts_reader_get(&db, w->f, &e) == 0) {
		atomic_store(&w->has_one, true);
		fts_reader_put(w->f, db, true);
	}
	return NULL;
}

/* Searches that are many at once take turns: each reader holds memory. */
static void test_readers_are_few(void **state)
{
	struct fts_db *readers[FTS_READERS_MAX];
	struct fixture f;
	struct err e;
	pthread_t thread;

	(void)state;
	fixture_init(&f);
	struct waiter w = { .f = fts_of(f.index) };

	for (size_t i = 0; i < FTS_READERS_MAX; i++)
		assert_int_equal(fts_reader_get(&readers[i], w.f, &e), 0);
	pthread_create(&thread, NULL, wait_for_reader, &w);
	usleep(20000);
	assert_false(w.has_one);
	fts_reader_put(w.f, readers[0], false); /* one that failed makes room too */
	pthread_join(thread, NULL);
	assert_true(w.has_one);
	for (size_t i = 1; i < FTS_READERS_MAX; i++)
		fts_reader_put(w.f, readers[i], true);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_share_a_handle),
		cmocka_unit_test(test_readers_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
