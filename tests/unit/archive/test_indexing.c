/* archive, indexer: what is archived becomes searchable whatever happens to the index, and an index that was lost comes back. */
#include "tests/unit/archive/fixture.h"

#include "archive/lockfile.h"

#include <fcntl.h>
#include <pthread.h>

static void break_index(void)
{
	_free_ char *path = in_top("index/index.db");
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "this is no database, it only says so", 36), 36);
	close(fd);
}

static const struct archive_rebuild anyhow = { ARCHIVE_REINDEX_ANYHOW, INT64_MIN, INT64_MAX, false },
				    whole = { ARCHIVE_REINDEX_WHOLE, INT64_MIN, INT64_MAX, false };

static uint64_t reindex(void)
{
	struct archive_progress p;
	struct err e = { 0 };

	if (archive_reindex(archive, &anyhow, NULL, NULL, &p, &e))
		fail_msg("archive_reindex: %s", e.text);
	assert_int_equal(p.done, p.total);
	return p.failed;
}

/* ---- the outbox ---- */

static void test_without_index_mail_goes_to_the_outbox(void **state)
{
	(void)state;
	struct err e;
	size_t done;

	archive_closep(&archive);
	break_index();
	assert_int_equal(archive_open(&archive, &conf, "test", &e), 0);
	struct archive_receipt r = put_ok("waits");

	assert_false(r.indexed);
	assert_int_equal(on_outbox(), 1);
	assert_int_equal(archive_drain(archive, 100, 0, &done, &e), -1);
	assert_int_equal(archive_index_check(archive, true, &e), 0);
	assert_int_equal(reindex(), 0);
	assert_int_equal(indexed(), 1);
	reopen();
	assert_int_equal(archive_drain(archive, 100, 0, &done, &e), 0);
	assert_int_equal(on_outbox(), 0);
	assert_int_equal(indexed(), 1);
	assert_int_equal(archive_index_check(archive, true, &e), 1);
}

static void test_drain_takes_what_is_old_enough(void **state)
{
	(void)state;
	struct err e;
	size_t done;
	int lock;

	/* while somebody rebuilds, nothing leaves the outbox */
	assert_int_equal(lockfile_take(conf.run_dir, "reindex", &lock, &e), 1);
	put_ok("a");
	put_ok("b");
	wait_for(indexed, 2);
	assert_int_equal(on_outbox(), 2);
	assert_int_equal(archive_drain(archive, 100, 0, &done, &e), 0);
	assert_int_equal(done, 0);
	close(lock);
	assert_int_equal(archive_drain(archive, 100, 60 * CLOCK_SECOND, &done, &e), 0);
	assert_int_equal(done, 0);
	assert_int_equal(archive_drain(archive, 1, 0, &done, &e), 0);
	assert_int_equal(done, 1);
	assert_int_equal(archive_drain(archive, 100, 0, &done, &e), 0);
	assert_int_equal(done, 1);
	assert_int_equal(on_outbox(), 0);
	assert_int_equal(indexed(), 2);
}

/* An object that was altered, or is gone, is not indexed as if nothing had happened, and keeps nobody else back. */
static void test_altered_objects_stay_on_the_outbox(void **state)
{
	(void)state;
	struct archive_receipt altered = put_ok("altered"), gone = put_ok("gone!!!");
	_free_ char *altered_path = object_of(&altered.id), *gone_path = object_of(&gone.id);
	struct err e;
	size_t done;

	put_ok("sound");
	wait_for(on_outbox, 0);
	assert_int_equal(chmod(altered_path, 0600), 0);
	int fd = open(altered_path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(fd, "ALTERED", 7), 7);
	close(fd);
	assert_int_equal(unlink(gone_path), 0);
	assert_int_equal(reindex(), 2);
	assert_int_equal(indexed(), 1);
	assert_int_equal(on_outbox(), 2);
	assert_int_equal(archive_drain(archive, 100, 0, &done, &e), 0);
	assert_int_equal(done, 0);
	assert_int_equal(on_outbox(), 2);
	assert_int_equal(archive_index_check(archive, true, &e), 1); /* what is missing is on the outbox: that is no damage */
}

/* ---- an index that is gone, or is none ---- */

static void test_a_lost_index_is_noticed_by_its_count(void **state)
{
	(void)state;
	struct err e;
	_free_ char *folder = in_top("index");

	put_ok("a");
	put_ok("b");
	wait_for(on_outbox, 0);
	assert_int_equal(archive_index_check(archive, true, &e), 1);
	archive_closep(&archive);
	assert_int_equal(nftw(folder, private_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	make_index_folder();
	assert_int_equal(archive_open(&archive, &conf, "test", &e), 0);
	assert_int_equal(archive_index_check(archive, true, &e), 0); /* gone */
	assert_int_equal(index_create(&conf, &e), 0);
	assert_int_equal(archive_index_check(archive, true, &e), 0); /* empty */
	assert_int_equal(reindex(), 0);
	assert_int_equal(archive_index_check(archive, true, &e), 1);
	assert_int_equal(indexed(), 2);
}

static void test_an_index_of_another_version_is_noticed(void **state)
{
	_free_ char *path = in_top("index/index.db");
	const uint8_t version[4] = { 0, 0, 0, 1 };
	struct err e = { 0 };

	(void)state;
	put_ok("a message");
	wait_for(indexed, 1);
	reindex(); /* empties the log */
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, version, sizeof(version), 60), sizeof(version)); /* user_version, in SQLite's header */
	close(fd);
	assert_int_equal(archive_index_check(archive, false, &e), 0);
	assert_int_equal(reindex(), 0);
	assert_int_equal(archive_index_check(archive, true, &e), 1);
	assert_int_equal(indexed(), 1);
}

static void test_index_required(void **state)
{
	(void)state;
	struct archive_receipt r;
	struct err e;

	archive_closep(&archive);
	break_index();
	conf.index_required = true;
	assert_int_equal(archive_open(&archive, &conf, "test", &e), 0);
	assert_int_equal(archive_ready(archive, &e), -1);
	assert_int_equal(put("must be found", "bob@example.org", &r, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(rows(), 1); /* archived all the same */
	assert_int_equal(put("must be found", "bob@example.org", &r, &e), -1);
	assert_int_equal(reindex(), 0);
	reopen();
	assert_int_equal(archive_ready(archive, &e), 0);
	assert_int_equal(put("must be found", "bob@example.org", &r, &e), 0);
	assert_true(r.known);
	assert_int_equal(rows(), 1);
	assert_int_equal(indexed(), 1);
}

/* ---- capture beside a rebuild ---- */

#define THREADS 8
#define EACH 40

static void *put_many(void *arg)
{
	int thread = *(int *)arg;

	for (int i = 0; i < EACH; i++) {
		_free_ char *text = mem_printf("message %d of thread %d", i, thread);

		put_ok(text);
	}
	return NULL;
}

static void test_capture_beside_rebuilds(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	int numbers[THREADS];
	struct err e;
	size_t done;

	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &numbers[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		struct archive_progress p;

		assert_int_equal(archive_reindex(archive, &whole, NULL, NULL, &p, &e), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rows(), THREADS * EACH);
	for (int i = 0; i < 500 && (archive_drain(archive, 1000, 0, &done, &e) || on_outbox()); i++)
		usleep(10000);
	assert_int_equal(on_outbox(), 0);
	assert_int_equal(indexed(), THREADS * EACH);
	assert_int_equal(archive_index_check(archive, true, &e), 1);
	assert_ledger_is_whole();
}

static int stop_at_once(void *ctx, const struct archive_progress *p)
{
	(void)ctx, (void)p;
	return -1;
}

static void test_a_stopped_rebuild_leaves_the_old_index(void **state)
{
	(void)state;
	struct archive_progress p;
	struct err e;

	put_ok("a");
	wait_for(on_outbox, 0);
	assert_int_equal(archive_reindex(archive, &whole, stop_at_once, NULL, &p, &e), -1);
	assert_int_equal(indexed(), 1);
	assert_int_equal(archive_index_check(archive, true, &e), 1);
	assert_int_equal(reindex(), 0); /* and nothing stands in the way of the next one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARCHIVE_TEST(test_without_index_mail_goes_to_the_outbox),
		ARCHIVE_TEST(test_drain_takes_what_is_old_enough),
		ARCHIVE_TEST(test_altered_objects_stay_on_the_outbox),
		ARCHIVE_TEST(test_a_lost_index_is_noticed_by_its_count),
		ARCHIVE_TEST(test_an_index_of_another_version_is_noticed),
		ARCHIVE_TEST(test_index_required),
		ARCHIVE_TEST(test_capture_beside_rebuilds),
		ARCHIVE_TEST(test_a_stopped_rebuild_leaves_the_old_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
