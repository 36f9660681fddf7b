/* archive: the write path. What is acknowledged is there once; what could not be taken leaves nothing. */
#include "tests/unit/archive/fixture.h"

#include <fcntl.h>
#include <pthread.h>

static void test_archived_and_searchable(void **state)
{
	(void)state;
	struct archive_receipt r = put_ok("Subject: one\r\n\r\nhello\r\n");

	assert_false(r.known);
	assert_true(r.indexed);
	assert_int_equal(rows(), 1);
	assert_int_equal(indexed(), 1);
	wait_for(on_outbox, 0); /* with nobody coming after it */
	assert_ledger_is_whole();
}

static void test_a_retry_is_known_another_recipient_is_not(void **state)
{
	(void)state;
	struct archive_receipt first = put_ok("same"), again = put_ok("same"), other;
	struct err e;

	assert_true(again.known);
	assert_memory_equal(&again.id, &first.id, sizeof(first.id));
	assert_int_equal(put("same", "carol@example.org", &other, &e), 0);
	assert_false(other.known);
	assert_int_equal(rows(), 2);
	assert_ledger_is_whole();
}

static unsigned objects;

static int count_object(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)st, (void)ftw;
	objects += type == FTW_F;
	return 0;
}

static void *put_twin(void *receipt)
{
	struct err e;

	return put("twin", "bob@example.org", receipt, &e) ? NULL : receipt;
}

static void test_twins_that_arrive_at_once_are_stored_once(void **state)
{
	(void)state;
	struct archive_receipt receipts[8];
	pthread_t threads[8];
	_free_ char *store = in_top("store/m");
	unsigned known = 0;
	void *done;

	parser_takes = 20000;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_twin, &receipts[i]), 0);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_non_null(done);
		assert_memory_equal(&receipts[i].id, &receipts[0].id, sizeof(receipts[0].id));
		known += receipts[i].known;
	}
	assert_int_equal(known, 7);
	assert_int_equal(rows(), 1);
	objects = 0;
	assert_int_equal(nftw(store, count_object, 16, FTW_PHYS), 0);
	assert_int_equal(objects, 1);
}

static size_t count_objects(void)
{
	_free_ char *store = in_top("store");

	objects = 0;
	assert_int_equal(nftw(store, count_object, 16, FTW_PHYS), 0);
	return objects;
}

static void test_without_parser_nothing_is_taken(void **state)
{
	(void)state;
	struct archive_receipt r;
	struct err e;

	parser_missing = true;
	assert_int_equal(put("x", "bob@example.org", &r, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(rows(), 0);
	assert_int_equal(count_objects(), 0);
	parser_missing = false;
	put_ok("x");
	assert_int_equal(rows(), 1);
}

/* The parser is lost while the object is written: it was not acknowledged, and is taken when it comes again. */
static void test_parser_lost_meanwhile(void **state)
{
	(void)state;
	struct archive_receipt r;
	struct err e;

	parser_lost = true;
	assert_int_equal(put("x", "bob@example.org", &r, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(rows(), 0);
	parser_lost = false;
	put_ok("x");
	assert_int_equal(rows(), 1);
}

static void test_store_fails_while_read(void **state)
{
	(void)state;
	_free_ char *folder = in_top("store/m"), *away = in_top("store/away");
	struct archive_receipt r;
	struct err e;

	assert_int_equal(rename(folder, away), 0);
	close(open(folder, O_CREAT | O_EXCL, 0600)); /* no folder can be made there */
	assert_int_equal(put("x", "bob@example.org", &r, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(rename(away, folder), 0);
	assert_int_equal(readings, 0);
	put_ok("x");
	assert_int_equal(rows(), 1);
}

static void test_the_name_is_taken_once(void **state)
{
	(void)state;
	struct archive *second = NULL;
	struct err e;

	assert_int_equal(archive_open(&second, &conf, "test", &e), -1);
	assert_null(second);
	assert_int_equal(archive_open(&second, &conf, "other", &e), 0);
	archive_closep(&second);
}

static void test_the_sequence_goes_on_after_a_restart(void **state)
{
	(void)state;
	put_ok("a");
	reopen();
	put_ok("b");
	assert_int_equal(rows(), 2);
	assert_ledger_is_whole();
}

static void test_admission(void **state)
{
	(void)state;
	assert_true(archive_admit(archive, conf.inflight_max - 1));
	assert_false(archive_admit(archive, 2));
	assert_true(archive_admit(archive, 1));
	archive_release(archive, conf.inflight_max);
	assert_false(archive_admit(archive, UINT64_MAX));
	assert_true(archive_admit(archive, 1));
	archive_release(archive, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARCHIVE_TEST(test_archived_and_searchable),
		ARCHIVE_TEST(test_a_retry_is_known_another_recipient_is_not),
		ARCHIVE_TEST(test_twins_that_arrive_at_once_are_stored_once),
		ARCHIVE_TEST(test_without_parser_nothing_is_taken),
		ARCHIVE_TEST(test_parser_lost_meanwhile),
		ARCHIVE_TEST(test_store_fails_while_read),
		ARCHIVE_TEST(test_the_name_is_taken_once),
		ARCHIVE_TEST(test_the_sequence_goes_on_after_a_restart),
		ARCHIVE_TEST(test_admission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
