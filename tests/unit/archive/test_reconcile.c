/* reconcile: over the real store, database and index; only the parser is a fake. Whatever differs between the three is
 * found once, said until it is mended, and mended where nobody is needed for it; a walk that is cut off goes on. */
#include "tests/unit/archive/fixture.h"

#include "archive/fact.h"
#include "archive/reconcile.h"
#include "base/hex.h"
#include "meta/disposition.h"
#include "meta/reconcile.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>

#define DAY_US (86400 * CLOCK_SECOND)

/* ---- an archive, and what the tests do ---- */

static struct meta *meta;
static atomic_bool stop;
static struct err err;

static int set_up_with_meta(void **state)
{
	if (set_up(state))
		return -1;
	conf.workerd_reconcile_grace_us = 0;
	atomic_store(&stop, false);
	return meta_open(&meta, &conf, &err);
}

static int tear_down_with_meta(void **state)
{
	meta_closep(&meta);
	return tear_down(state);
}

static struct uuid put_one(const char *text)
{
	return put_ok(text).id;
}

static void reconcile(void)
{
	usleep(3000); /* ids tell milliseconds apart */
	if (archive_reconcile(archive, &stop, &err))
		fail_msg("%s", err.text);
}

static void sql(const char *text)
{
	_free_ char *path = mem_printf("%s/meta/capture.db", top);
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	if (sqlite3_exec(db, text, NULL, NULL, &why))
		fail_msg("%s", why);
	sqlite3_close(db);
}

/* A row of this id like that of another message. */
static void copy_row(const struct uuid *of, const struct uuid *id)
{
	char a[2 * UUID_SIZE + 1] = "", b[2 * UUID_SIZE + 1] = "";
	_free_ char *key = store_key(id);

	for (int i = 0; i < UUID_SIZE; i++) {
		snprintf(a + 2 * i, 3, "%02x", of->bytes[i]);
		snprintf(b + 2 * i, 3, "%02x", id->bytes[i]);
	}
	_free_ char *text = mem_printf("CREATE TEMP TABLE t AS SELECT * FROM message WHERE id = x'%s';"
		"UPDATE t SET id = x'%s', object_key = '%s'; INSERT INTO message SELECT * FROM t; DROP TABLE t", a, b, key);

	sql(text);
}

/* All days together: a test may run over midnight. */
static struct reconcile_tally account(void)
{
	struct reconcile_account days[10];
	struct reconcile_tally sum = { 0 };
	size_t n;

	assert_int_equal(meta_reconcile_accounts(meta, days, ARRAY_LEN(days), &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		sum.captured += days[i].tally.captured;
		sum.recorded += days[i].tally.recorded;
		sum.stored += days[i].tally.stored;
		sum.indexed += days[i].tally.indexed;
		sum.waiting += days[i].tally.waiting;
		sum.orphans += days[i].tally.orphans;
		sum.missing += days[i].tally.missing;
		sum.removed += days[i].tally.removed;
		sum.unindexed += days[i].tally.unindexed;
	}
	return sum;
}

static uint64_t alarms(enum reconcile_alarm_kind kind, uint64_t *orphans_r)
{
	uint64_t by_kind[RECONCILE_KINDS], orphans;

	assert_int_equal(meta_reconcile_counts(meta, by_kind, &orphans, &err), 0);
	if (orphans_r)
		*orphans_r = orphans;
	return by_kind[kind];
}

static uint64_t all_alarms(void)
{
	uint64_t n = 0;

	for (int i = 1; i < RECONCILE_KINDS; i++)
		n += alarms((enum reconcile_alarm_kind)i, NULL);
	return n;
}

static uint64_t unequal(void)
{
	uint64_t n;

	assert_int_equal(meta_reconcile_unequal(meta, &n, &err), 0);
	return n;
}

static void wait_indexed(void)
{
	wait_for(on_outbox, 0);
}

/* ---- tests ---- */

static void test_an_archive_that_adds_up(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		put_one(i % 2 ? "odd" : "even\n"); /* the same bytes and envelope again: a retry */
	put_one("third");
	wait_indexed();
	reconcile();
	struct reconcile_tally t = account();

	assert_int_equal(t.captured, 3);
	assert_int_equal(t.recorded, 3);
	assert_int_equal(t.stored, 3);
	assert_int_equal(t.indexed, 3);
	assert_int_equal(t.waiting + t.orphans + t.missing, 0);
	assert_int_equal(all_alarms() + unequal(), 0);
	put_one("fourth");
	wait_indexed();
	reconcile();
	reconcile(); /* nothing is counted twice */
	assert_int_equal(account().stored, 4);
	assert_int_equal(account().indexed, 4);
	assert_int_equal(unequal(), 0);
}

static void test_object_without_a_row(void **state)
{
	(void)state;
	const struct uuid row = put_one("with a row"), alone = uuid_new(clock_now_us());
	CLEANUP(locator_deinit) struct locator where = { 0 };
	CLEANUP(store_closep) struct store *store = NULL;
	uint8_t sha256[SHA256_SIZE];
	uint64_t orphans;

	sha256_of("alone", 5, sha256);
	const struct store_object o = { .id = alone, .data = "alone", .length = 5, .sha256 = sha256 };

	assert_int_equal(store_open(&store, &conf, &err), 0);
	assert_int_equal(store_put(store, &o, &where, &err), 0);
	reconcile();
	alarms(RECONCILE_MISSING, &orphans);
	assert_int_equal(orphans, 1);
	assert_int_equal(account().orphans, 1);
	assert_int_equal(account().stored, 1);
	assert_int_equal(all_alarms(), 0);
	assert_int_equal(meta_reconcile_is_orphan(meta, &alone, "", &err), 1);
	assert_int_equal(meta_reconcile_is_orphan(meta, &row, "", &err), 0);
	locator_deinit(&where);
	assert_int_equal(store_find(store, &alone, &where, &err), 1); /* nothing is deleted */
	copy_row(&row, &alone);
	reconcile();
	alarms(RECONCILE_MISSING, &orphans);
	assert_int_equal(orphans, 0);
}

static void test_row_without_an_object(void **state)
{
	(void)state;
	const struct uuid id = put_one("gone");
	_free_ char *path = object_of(&id), *aside = mem_printf("%s/aside", top);
	struct reconcile_alarm found[2];
	size_t n;

	put_one("stays");
	assert_int_equal(rename(path, aside), 0);
	reconcile();
	assert_int_equal(alarms(RECONCILE_MISSING, NULL), 1);
	assert_int_equal(account().missing, 1);
	assert_int_equal(account().stored, 1);
	assert_int_equal(unequal(), 1);
	reconcile(); /* still there, and still one */
	assert_int_equal(meta_reconcile_alarms(meta, found, 2, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_memory_equal(&found[0].id, &id, sizeof(id));
	reconcile_alarm_deinit(&found[0]);
	assert_int_equal(rename(aside, path), 0);
	reconcile();
	assert_int_equal(all_alarms(), 0);
	assert_int_equal(rename(path, aside), 0); /* and again: the walk over everything comes by */
	sql("UPDATE reconcile_walk SET at_us = at_us - at_us % 86400000000 WHERE name = 'store.new'");
	reconcile();
	assert_int_equal(alarms(RECONCILE_MISSING, NULL), 1);
	assert_int_equal(rename(aside, path), 0);
}

static void test_altered_objects(void **state)
{
	(void)state;
	const struct uuid longer = put_one("longer"), open_to_all = put_one("open to all");
	_free_ char *longer_path = object_of(&longer), *open_path = object_of(&open_to_all);

	assert_int_equal(chmod(longer_path, 0600), 0);
	assert_int_equal(truncate(longer_path, 100), 0);
	assert_int_equal(chmod(longer_path, 0400), 0);
	assert_int_equal(chmod(open_path, 0644), 0);
	reconcile();
	assert_int_equal(alarms(RECONCILE_ALTERED, NULL), 1);
	assert_int_equal(alarms(RECONCILE_UNPROTECTED, NULL), 1);
	assert_int_equal(all_alarms(), 2);
	assert_int_equal(account().stored, 1);
}

/* A disposition of everything that expires within a hundred years. */
static struct uuid approved(bool approval)
{
	const struct hold_act second = { 2, 2, (char *)(uintptr_t)"so be it" };
	struct disposition d = { .id = uuid_new(clock_now_us()), .scope = (char *)(uintptr_t)"{\"all_mailboxes\":true}",
		.expired_by_us = clock_now_us() + 36500 * DAY_US, .proposed = { 1, 1, (char *)(uintptr_t)"over" } };

	assert_int_equal(meta_disposition_propose(meta, &d, &err), 0);
	assert_int_equal(meta_disposition_decide(meta, &d.id, approval, &second, &err), 1);
	return d.id;
}

/* Disposed of by that, and said to be removed when its object is gone. */
static void dispose_by(const struct uuid *id, const struct uuid *disposition, bool removed)
{
	const struct disposing by = { *disposition, INT64_MAX, clock_now_us() };
	struct ledger_fact fact = { .archive_id = *id, .kind = LEDGER_FACT_DISPOSED, .at_us = by.now_us, .cause = *disposition };
	struct meta_lifecycle *l;

	assert_int_equal(meta_lifecycle_begin(meta, "workerd-test", &l, &err), 0);
	assert_int_equal(meta_lifecycle_dispose(l, id, &by, &err), 1);
	assert_int_equal(fact_add(l, "workerd-test", &fact, &err), 0);
	if (removed)
		assert_int_equal(meta_lifecycle_removed(l, id, by.now_us, &err), 0);
	assert_int_equal(meta_lifecycle_commit(&l, &err), 0);
}

static void dispose(const struct uuid *id, bool removed)
{
	const struct uuid disposition = approved(true);

	dispose_by(id, &disposition, removed);
}

/* In a text of SQL: X is the message. */
static void sql_about(const struct uuid *id, const char *text)
{
	char hex[2 * UUID_SIZE + 1];
	const char *x = strchr(text, 'X');

	hex_encode(hex, id->bytes, UUID_SIZE);
	_free_ char *whole = mem_printf("%.*sx'%s'%s", (int)(x - text), text, hex, x + 1);

	sql(whole);
}

static void test_what_was_disposed_of_is_not_missed(void **state)
{
	(void)state;
	const struct uuid gone = put_one("gone"), going = put_one("going");
	_free_ char *path = object_of(&gone);

	put_one("stays");
	wait_indexed();
	dispose(&gone, true);
	dispose(&going, false);
	assert_int_equal(unlink(path), 0);
	reconcile();
	struct reconcile_tally t = account();

	assert_int_equal(t.recorded, 3);
	assert_int_equal(t.stored, 1);
	assert_int_equal(t.removed, 2);
	assert_int_equal(t.missing, 0);
	assert_int_equal(t.indexed, 1);
	assert_int_equal(t.unindexed, 2);
	assert_int_equal(t.waiting, 0);
	assert_int_equal(all_alarms(), 0);
	assert_int_equal(unequal(), 0);
	assert_int_equal(on_outbox(), 0);
}

/* Restored from a backup perhaps. */
static void test_what_was_removed_and_is_there(void **state)
{
	(void)state;
	const struct uuid id = put_one("back again");
	_free_ char *path = object_of(&id);

	wait_indexed();
	dispose(&id, true);
	reconcile();
	assert_int_equal(alarms(RECONCILE_RETURNED, NULL), 1);
	assert_int_equal(all_alarms(), 1);
	assert_int_equal(account().removed, 1);
	reconcile();
	assert_int_equal(alarms(RECONCILE_RETURNED, NULL), 1);
	assert_int_equal(unlink(path), 0);
	reconcile();
	assert_int_equal(all_alarms(), 0);
}

/* Whoever has the rights of workerd can write tombstones, facts and removals; but no approval. */
static void test_what_nobody_approved(void **state)
{
	(void)state;
	const struct uuid rejected = approved(false), none = uuid_new(1), good = approved(true);
	const struct uuid by_rejected = put_one("1"), by_none = put_one("2"), rightly = put_one("3"), without_fact = put_one("4"), queued = put_one("5");

	dispose_by(&by_rejected, &rejected, false);
	dispose_by(&by_none, &none, false);
	dispose_by(&rightly, &good, false);
	sql_about(&without_fact, "INSERT INTO message_disposed SELECT X, disposition_id, 1 FROM message_disposed LIMIT 1");
	sql_about(&queued, "INSERT INTO removal_work VALUES (X, zeroblob(16), 0, 0)");
	reconcile();
	assert_int_equal(alarms(RECONCILE_UNAPPROVED, NULL), 3);
	assert_int_equal(all_alarms(), 3);
	reconcile();
	assert_int_equal(all_alarms(), 3);
	sql("DROP TRIGGER message_disposed_no_delete");
	sql_about(&by_none, "DELETE FROM message_disposed WHERE message_id = X");
	reconcile();
	assert_int_equal(alarms(RECONCILE_UNAPPROVED, NULL), 3); /* its removal is still to come */
	sql_about(&by_none, "DELETE FROM removal_work WHERE message_id = X");
	reconcile();
	assert_int_equal(alarms(RECONCILE_UNAPPROVED, NULL), 2);
	assert_int_equal(all_alarms(), 2);
}

static void test_what_is_kept_and_disposed_of(void **state)
{
	(void)state;
	const struct uuid held = put_one("held"), extended = put_one("extended");

	dispose(&held, true);
	dispose(&extended, false);
	sql_about(&held, "INSERT INTO message_hold VALUES (X, zeroblob(16), 1, 5)");
	sql_about(&extended, "INSERT INTO retention_extension VALUES (X, 9000000000000000, 5, 'x')");
	reconcile();
	assert_int_equal(alarms(RECONCILE_KEPT, NULL), 2);
	sql_about(&held, "INSERT INTO message_hold VALUES (X, zeroblob(16), 2, 6)");
	_free_ char *path = object_of(&held);

	assert_int_equal(unlink(path), 0);
	reconcile();
	assert_int_equal(alarms(RECONCILE_KEPT, NULL), 1);
	assert_int_equal(all_alarms(), 1);
}

static void test_an_alarm_ends_when_the_message_is_disposed_of(void **state)
{
	(void)state;
	const struct uuid id = put_one("lost");
	_free_ char *path = object_of(&id);
	uint64_t orphans;

	assert_int_equal(unlink(path), 0);
	reconcile();
	assert_int_equal(alarms(RECONCILE_MISSING, &orphans), 1);
	dispose(&id, true);
	reconcile();
	assert_int_equal(alarms(RECONCILE_MISSING, &orphans), 0);
	assert_int_equal(all_alarms() + orphans, 0);
}

static void test_retention_under_its_policy(void **state)
{
	(void)state;
	put_one("kept for too short a time");
	sql("DROP TRIGGER message_no_update; UPDATE message SET retain_until_us = retain_until_us - 1");
	put_one("kept as the policy says");
	reconcile();
	assert_int_equal(alarms(RECONCILE_ROW_SHORT, NULL), 1);
	assert_int_equal(all_alarms(), 1);
	sql("UPDATE message SET retain_until_us = retain_until_us + 1"); /* an extension is no fault */
	reconcile();
	assert_int_equal(all_alarms(), 0);
}

static void test_what_the_index_lacks(void **state)
{
	(void)state;
	_free_ char *path = mem_printf("%s/index/index.db", top), *logs = mem_printf("rm -f %s-*", path);

	for (int i = 0; i < 3; i++) {
		_free_ char *text = mem_printf("%d", i);

		put_one(text);
	}
	wait_indexed();
	archive_closep(&archive);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(system(logs), 0);
	assert_int_equal(index_create(&conf, &err), 0);
	assert_int_equal(archive_open(&archive, &conf, "test", &err), 0);
	reconcile();
	assert_int_equal(on_outbox(), 3);
	assert_int_equal(account().waiting, 3);
	size_t done = 0;

	for (int i = 0; i < 1000 && on_outbox(); i++)
		if (archive_drain(archive, 10, -CLOCK_SECOND, &done, &err))
			usleep(10000);
	wait_indexed();
	reconcile(); /* what waited is indexed by now */
	assert_int_equal(account().waiting, 0);
	assert_int_equal(account().indexed, 3);
	assert_int_equal(unequal(), 0);
}

static void test_cut_off(void **state)
{
	(void)state;
	put_one("one");
	atomic_store(&stop, true);
	reconcile();
	assert_int_equal(account().recorded, 0);
	atomic_store(&stop, false);
	reconcile();
	assert_int_equal(account().stored, 1);
}

/* More than a slice, many of them in one millisecond. */
static void test_many(void **state)
{
	(void)state;
	put_one("the first");
	sqlite3 *db;
	_free_ char *path = mem_printf("%s/meta/capture.db", top);
	sqlite3_stmt *st;
	int64_t day_us = clock_now_us() / DAY_US * DAY_US;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE; CREATE TEMP TABLE t AS SELECT * FROM message", NULL, NULL, NULL),
		SQLITE_OK);
	for (int i = 0; i < 2 * RECONCILE_ROWS + 7; i++) {
		struct uuid id = uuid_floor(day_us + i / 9 * 1000); /* nine in a millisecond */

		memcpy(id.bytes + 12, &i, 4);
		assert_int_equal(sqlite3_prepare_v2(db, "UPDATE t SET id = ?", -1, &st, NULL), SQLITE_OK);
		sqlite3_bind_blob(st, 1, id.bytes, UUID_SIZE, SQLITE_STATIC);
		assert_int_equal(sqlite3_step(st), SQLITE_DONE);
		sqlite3_finalize(st);
		assert_int_equal(sqlite3_exec(db, "INSERT INTO message SELECT * FROM t", NULL, NULL, NULL), SQLITE_OK);
	}
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	reconcile();
	assert_int_equal(account().recorded, 2 * RECONCILE_ROWS + 8);
	assert_int_equal(account().stored, 2 * RECONCILE_ROWS + 8); /* all of them have the object of the first */
}

/* What came late, under an id of days ago, is met by the walk over everything. */
static void test_everything(void **state)
{
	(void)state;
	const struct uuid row = put_one("now");
	struct uuid old = uuid_floor(clock_now_us() - 3 * DAY_US);

	old.bytes[15] = 1;
	copy_row(&row, &old);
	conf.workerd_reconcile_full_us = 1000 * DAY_US;
	reconcile();
	reconcile(); /* in its own time */
	assert_int_equal(alarms(RECONCILE_MISSING, NULL), 0);
	conf.workerd_reconcile_full_us = 1;
	reconcile();
	assert_int_equal(alarms(RECONCILE_MISSING, NULL), 1);
	assert_int_equal(account().recorded, 2);
	reconcile(); /* round again */
	assert_int_equal(all_alarms(), 1);
}

/* The clock was ahead for a while: what comes after that is not left unseen until then. */
static void test_clock_set_back(void **state)
{
	(void)state;
	put_one("one");
	reconcile();
	sql("UPDATE reconcile_walk SET at_us = at_us + 1000 * 86400000000, began_us = began_us + 1000 * 86400000000");
	const struct uuid id = put_one("two");
	_free_ char *path = object_of(&id);

	assert_int_equal(unlink(path), 0);
	reconcile();
	assert_int_equal(alarms(RECONCILE_MISSING, NULL), 1);
	assert_int_equal(account().recorded, 2);
	assert_int_equal(account().missing, 1);
}

/* ---- two at a time, as on two machines: each has the same to do, and it may be done twice ---- */

static struct archive *open_another(struct conf *other)
{
	struct archive *a;

	*other = conf; /* borrows the texts */
	other->run_dir = mem_printf("%s/run2", top);
	other->node = mem_strdup("another");
	assert_int_equal(mkdir(other->run_dir, 0700), 0);
	assert_int_equal(archive_open(&a, other, "test", &err), 0);
	return a;
}

static void *reconcile_often(void *another)
{
	struct err e;

	for (int i = 0; i < 30; i++) {
		usleep((useconds_t)(rand() % 3000));
		if (archive_reconcile(another, &stop, &e))
			return &stop;
	}
	return NULL;
}

static void test_two_reconcilers(void **state)
{
	(void)state;
	struct conf other;
	struct archive *another = open_another(&other);
	const struct uuid gone = put_one("gone");
	_free_ char *path = object_of(&gone);
	pthread_t thread;
	void *failed;

	assert_int_equal(unlink(path), 0);
	assert_int_equal(pthread_create(&thread, NULL, reconcile_often, another), 0);
	for (int i = 0; i < 60; i++) {
		_free_ char *text = mem_printf("%d", i);

		put_one(text);
		if (i % 2)
			reconcile();
		if (i % 20 == 7)
			sql("UPDATE reconcile_walk SET at_us = at_us - at_us % 86400000000");
	}
	pthread_join(thread, &failed);
	assert_null(failed);
	archive_closep(&another);
	wait_indexed();
	reconcile();
	reconcile();
	struct reconcile_tally t = account();

	assert_int_equal(t.captured, 61);
	assert_int_equal(t.recorded, 61);
	assert_int_equal(t.stored, 60);
	assert_int_equal(t.missing, 1);
	assert_int_equal(t.indexed, 61);
	assert_int_equal(t.waiting + t.orphans, 0);
	assert_int_equal(all_alarms(), 1);
	assert_int_equal(unequal(), 1);
	free(other.run_dir);
	free(other.node);
}

/* A day of which the ledger's records have vanished does not add up. */
static void test_vanished_records(void **state)
{
	(void)state;
	put_one("one");
	put_one("two");
	reconcile();
	assert_int_equal(unequal(), 0);
	sql("DROP TRIGGER message_no_delete; DROP TRIGGER ledger_record_no_delete; DELETE FROM message; DELETE FROM ledger_record;"
	    "UPDATE reconcile_walk SET at_us = at_us - at_us % 86400000000");
	reconcile();
	assert_int_equal(account().captured, 2);
	assert_int_equal(account().recorded, 0);
	assert_true(unequal() > 0);
}

static void test_store_down(void **state)
{
	(void)state;
	_free_ char *messages = mem_printf("%s/store/m", top), *aside = mem_printf("%s/store/aside", top);

	put_one("one");
	assert_int_equal(rename(messages, aside), 0);
	usleep(3000);
	assert_int_equal(archive_reconcile(archive, &stop, &err), -1);
	assert_int_equal(err.class, ERR_TEMPORARY);
	assert_int_equal(all_alarms(), 0);
	assert_int_equal(rename(aside, messages), 0);
	reconcile();
	assert_int_equal(account().stored, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_archive_that_adds_up, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_object_without_a_row, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_row_without_an_object, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_altered_objects, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_what_was_disposed_of_is_not_missed, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_what_was_removed_and_is_there, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_what_nobody_approved, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_what_is_kept_and_disposed_of, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_an_alarm_ends_when_the_message_is_disposed_of, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_retention_under_its_policy, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_what_the_index_lacks, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_cut_off, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_many, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_everything, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_clock_set_back, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_two_reconcilers, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_vanished_records, set_up_with_meta, tear_down_with_meta),
		cmocka_unit_test_setup_teardown(test_store_down, set_up_with_meta, tear_down_with_meta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
