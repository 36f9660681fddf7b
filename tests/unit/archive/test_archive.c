/* archive: the write path over the real store, database and index; only the parser is a fake, which reads the whole
 * message as text. What is acknowledged is there once, becomes searchable, and an index that was lost comes back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive/archive.h"
#include "archive/govern.h"
#include "archive/lockfile.h"
#include "archive/policy.h"
#include "base/clock.h"
#include "base/log.h"
#include "index/index.h"
#include "mail/parser_pool.h"
#include "meta/maintenance.h"
#include "meta/hold.h"
#include "meta/retention.h"
#include "store/store.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the fake parser ---- */

static bool parser_missing;
static useconds_t parser_takes;

int parser_pool_open(struct parser_pool **pool_r, const struct conf *conf, struct err *e)
{
	static int something;

	(void)conf, (void)e;
	*pool_r = (struct parser_pool *)(void *)&something;
	return 0;
}

void parser_pool_closep(struct parser_pool **pool)
{
	*pool = NULL;
}

int parser_pool_parse(struct parser_pool *pool, const struct message *m, struct parsed **p_r, struct err *e)
{
	(void)pool;
	if (parser_missing)
		return err_temporary(e, "no parser");
	usleep(parser_takes);
	*p_r = parsed_new();
	free((*p_r)->text);
	(*p_r)->text = mem_dup(message_bytes(m), message_size(m));
	parsed_add_participant(*p_r, ROLE_FROM, "Ann", "Ann@Example.org");
	return 0;
}

struct parser_reading {
	const struct message *message;
};

static atomic_int readings; /* under way */
static bool parser_lost;    /* between the steps */

int parser_pool_start(struct parser_pool *pool, const struct message *m, struct parser_reading **r_r, struct err *e)
{
	(void)pool;
	if (parser_missing)
		return err_temporary(e, "no parser");
	*r_r = MEM_NEW(struct parser_reading);
	(*r_r)->message = m;
	readings++;
	return 0;
}

int parser_pool_finish(struct parser_pool *pool, struct parser_reading **r, struct parsed **p_r, struct err *e)
{
	const struct message *m = (*r)->message;

	free(*r);
	*r = NULL;
	readings--;
	return parser_lost ? err_temporary(e, "no parser any more") : parser_pool_parse(pool, m, p_r, e);
}

/* ---- a private archive ---- */

static char *top;
static struct conf conf;
static struct archive *archive;

static char *in_top(const char *name)
{
	return mem_printf("%s/%s", top, name);
}

static void make_index_folder(void)
{
	_free_ char *folder = in_top("index");

	assert_int_equal(mkdir(folder, 0700), 0);
}

static void configure(void)
{
	struct err e;
	const char *tmp = getenv("TMPDIR");

	top = mem_printf("%s/test-archive-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(top));
	assert_int_equal(conf_load_defaults(&conf, &e), 0);
	free(conf.store), free(conf.meta), free(conf.index), free(conf.spool_dir), free(conf.run_dir);
	conf.store = mem_printf("fs:%s/store", top);
	conf.meta = mem_printf("sqlite:%s/meta", top);
	conf.index = mem_printf("fts:%s/index/index.db", top);
	conf.spool_dir = in_top("spool");
	conf.run_dir = in_top("run");
	conf.index_required = false;
	conf.index_wait_us = 10 * CLOCK_SECOND;
	assert_int_equal(mkdir(conf.spool_dir, 0700), 0);
	assert_int_equal(mkdir(conf.run_dir, 0700), 0);
	make_index_folder();
}

static int set_up(void **state)
{
	(void)state;
	struct err e;

	log_set_level(LOG_FATAL);
	configure();
	parser_missing = false;
	parser_takes = 0;
	if (store_create(&conf, &e) == 0 && meta_migrate(&conf, &e) == 0 && index_create(&conf, &e) == 0 &&
		archive_open(&archive, &conf, "test", &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	archive_closep(&archive);
	conf_deinit(&conf);
	int failed = nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(top);
	return failed;
}

static int put(const char *text, const char *recipient, struct archive_receipt *r, struct err *e)
{
	CLEANUP(capture_deinit) struct capture c = { .kind = CAPTURE_LMTP, .point = "lmtp" };

	c.message = message_new(conf.spool_dir, 1 << 20);
	assert_int_equal(message_append(c.message, text, strlen(text), e), 0);
	assert_int_equal(message_finish(c.message, e), 0);
	c.received_us = clock_now_us();
	c.mail_from = mem_strdup("ann@example.org");
	c.mail_args = mem_strdup("");
	c.helo = mem_strdup("bad\xff helo");
	capture_add_recipient(&c, recipient, "");
	return archive_put(archive, &c, NULL, r, e);
}

static struct archive_receipt put_ok(const char *text)
{
	struct archive_receipt r;
	struct err e = { 0 };

	if (put(text, "bob@example.org", &r, &e))
		fail_msg("archive_put: %s", e.text);
	return r;
}

/* ---- looking behind it ---- */

static uint64_t rows(void)
{
	struct meta *m;
	struct err e;
	uint64_t n;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_message_count(m, &n, &e), 0);
	meta_closep(&m);
	return n;
}

static uint64_t on_outbox(void)
{
	struct meta *m;
	struct err e;
	uint64_t n;
	int64_t oldest;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_outbox_count(m, &n, &oldest, &e), 0);
	meta_closep(&m);
	return n;
}

static uint64_t indexed(void)
{
	struct index *i;
	struct err e;
	uint64_t n;

	assert_int_equal(index_open(&i, &conf, INDEX_READ, &e), 0);
	assert_int_equal(index_count(i, &n, &e), 0);
	index_closep(&i);
	return n;
}

static void print_fault(void *ctx, const char *fault)
{
	(void)ctx;
	print_error("%s\n", fault);
}

static void assert_ledger_is_whole(void)
{
	struct meta *m;
	struct err e;
	uint64_t faults;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_ledger_verify(m, print_fault, NULL, &faults, &e), 0);
	assert_int_equal(faults, 0);
	meta_closep(&m);
}

static void wait_for(uint64_t (*count)(void), uint64_t want)
{
	for (int i = 0; i < 1000 && count() != want; i++)
		usleep(10000);
	assert_int_equal(count(), want);
}

static void break_index(void)
{
	_free_ char *path = in_top("index/index.db");
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "this is no database, it only says so", 36), 36);
	close(fd);
}

static void reopen(void)
{
	struct err e;

	archive_closep(&archive);
	assert_int_equal(archive_open(&archive, &conf, "test", &e), 0);
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

/* ---- tests ---- */

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

static char *object_of(const struct uuid *id)
{
	_free_ char *key = store_key(id);

	return mem_printf("%s/store/%s", top, key);
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
	assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
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

/* ---- retention ---- */

static void add_policy(const char *mailbox, uint64_t days)
{
	struct retention_policy p = { .id = uuid_new(clock_now_us()), .revision = 1, .at_us = 1, .place = 1,
		.name = (char *)(uintptr_t)"n", .kind = RETENTION_MAILBOX, .subject = (char *)(uintptr_t)mailbox, .days = days,
		.reason = (char *)(uintptr_t)"" };
	struct meta *m;
	struct err e;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_retention_put(m, &p, &e), 1);
	meta_closep(&m);
}

/* For how many days it is kept by now. */
static int64_t kept_days(const struct uuid *id)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };
	struct meta *m;
	struct err e;
	int64_t extended_us;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_message_load(m, id, &row, &e), 1);
	assert_int_equal(meta_retention_extended(m, id, 1, &extended_us, &e), 0);
	meta_closep(&m);
	return ((extended_us > row.retain_until_us ? extended_us : row.retain_until_us) - row.received_us) / POLICY_DAY_US;
}

static void govern(void)
{
	atomic_bool stop = false;
	struct err e = { 0 };

	if (archive_govern(archive, 0, &stop, &e))
		fail_msg("archive_govern: %s", e.text);
}

static void test_a_policy_is_stamped_and_keeps_older_mail_too(void **state)
{
	(void)state;
	struct archive_receipt older = put_ok("older"), other, newer, shorter;
	struct err e;

	assert_int_equal(kept_days(&older.id), (int64_t)conf.lock_days);
	govern();
	assert_int_equal(kept_days(&older.id), (int64_t)conf.lock_days);
	add_policy("bob@example.org", conf.lock_days + 10);
	govern();
	assert_int_equal(kept_days(&older.id), (int64_t)conf.lock_days + 10);
	newer = put_ok("newer");
	assert_int_equal(kept_days(&newer.id), (int64_t)conf.lock_days + 10);
	assert_int_equal(put("newer", "carol@example.org", &other, &e), 0);
	assert_int_equal(kept_days(&other.id), (int64_t)conf.lock_days);
	add_policy("bob@example.org", 1);
	govern();
	shorter = put_ok("shorter");
	assert_int_equal(kept_days(&older.id), (int64_t)conf.lock_days + 10);
	assert_int_equal(kept_days(&shorter.id), (int64_t)conf.lock_days + 10);
	add_policy("ann@example.org", conf.lock_days + 20); /* of the header, which is known only when it was read */
	govern();
	assert_int_equal(kept_days(&other.id), (int64_t)conf.lock_days + 20);
	assert_ledger_is_whole();
}

/* ---- holds ---- */

static struct uuid hold_on(enum hold_kind kind, const char *scope, const char *query, bool standing, const struct uuid *message)
{
	struct hold h = { .id = uuid_new(clock_now_us()), .name = (char *)(uintptr_t)"n", .kind = kind,
		.scope = (char *)(uintptr_t)scope, .query = (char *)(uintptr_t)query, .standing = standing,
		.placed = { 1, 1, (char *)(uintptr_t)"why" } };
	struct meta *m;
	struct err e;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_hold_place(m, &h, message, message ? 1 : 0, &e), 0);
	meta_closep(&m);
	return h.id;
}

static void lift(const struct uuid *id)
{
	const struct hold_act act = { 2, 1, (char *)(uintptr_t)"over" };
	struct meta *m;
	struct err e;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_hold_lift(m, id, &act, &e), 1);
	assert_int_equal(meta_hold_lift(m, id, &act, &e), 0);
	meta_closep(&m);
}

/* How many holds a message is under. */
static size_t holds_of(const struct uuid *id)
{
	struct message_holds list;
	struct meta *m;
	struct err e;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_message_holds(m, id, 1, &list, &e), 0);
	meta_closep(&m);
	free(list.items);
	return list.n;
}

#define BOB "{\"mailboxes\":[\"bob@example.org\"]}"
#define ALL "{\"all_mailboxes\":true}"

static void test_holds_are_put_on_and_taken_off(void **state)
{
	(void)state;
	struct archive_receipt bobs = put_ok("strawberry one"), carols, later;
	struct err e;

	assert_int_equal(put("banana two", "carol@example.org", &carols, &e), 0);
	wait_for(on_outbox, 0);
	struct uuid by_mailbox = hold_on(HOLD_CUSTODIANS, BOB, "", true, NULL), by_id = hold_on(HOLD_MESSAGES, ALL, "", false, &carols.id),
		    by_query = hold_on(HOLD_QUERY, ALL, "strawberry", false, NULL);

	govern();
	govern(); /* again, which changes nothing */
	assert_int_equal(holds_of(&bobs.id), 2);
	assert_int_equal(holds_of(&carols.id), 1);
	later = put_ok("banana three"); /* by capture itself */
	assert_int_equal(holds_of(&later.id), 1);
	govern();
	assert_int_equal(holds_of(&later.id), 1);
	lift(&by_query);
	govern();
	assert_int_equal(holds_of(&bobs.id), 1);
	lift(&by_mailbox);
	govern();
	assert_int_equal(holds_of(&bobs.id), 0);
	assert_int_equal(holds_of(&later.id), 0);
	assert_int_equal(holds_of(&carols.id), 1);
	later = put_ok("banana four");
	govern();
	assert_int_equal(holds_of(&later.id), 0);
	lift(&by_id);
	govern();
	assert_int_equal(holds_of(&carols.id), 0);
	assert_ledger_is_whole();
}

static void test_a_standing_query_finds_what_comes_later(void **state)
{
	(void)state;
	struct uuid ids[5];

	put_ok("strawberry before");
	govern();
	hold_on(HOLD_QUERY, BOB, "strawberry", true, NULL);
	govern();
	for (int i = 0; i < 5; i++) {
		_free_ char *text = mem_printf("%s %d", i % 2 ? "banana" : "strawberry", i);

		ids[i] = put_ok(text).id;
	}
	wait_for(on_outbox, 0);
	usleep(2000); /* the last id's millisecond is over */
	govern();
	for (int i = 0; i < 5; i++)
		assert_int_equal(holds_of(&ids[i]), i % 2 ? 0 : 1);
}

#define ARCHIVE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

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
		ARCHIVE_TEST(test_a_policy_is_stamped_and_keeps_older_mail_too),
		ARCHIVE_TEST(test_holds_are_put_on_and_taken_off),
		ARCHIVE_TEST(test_a_standing_query_finds_what_comes_later),
		ARCHIVE_TEST(test_the_sequence_goes_on_after_a_restart),
		ARCHIVE_TEST(test_without_index_mail_goes_to_the_outbox),
		ARCHIVE_TEST(test_drain_takes_what_is_old_enough),
		ARCHIVE_TEST(test_altered_objects_stay_on_the_outbox),
		ARCHIVE_TEST(test_a_lost_index_is_noticed_by_its_count),
		ARCHIVE_TEST(test_an_index_of_another_version_is_noticed),
		ARCHIVE_TEST(test_index_required),
		ARCHIVE_TEST(test_admission),
		ARCHIVE_TEST(test_capture_beside_rebuilds),
		ARCHIVE_TEST(test_a_stopped_rebuild_leaves_the_old_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
