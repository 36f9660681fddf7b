/* group: one commit for many, each answered with the truth, and a sequence without gaps, whatever the database does.
 * The database is a fake of meta/capture.h: a list of rows, with failures to order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive/group.h"
#include "base/log.h"
#include "ledger/record.h"
#include "meta/capture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- the fake ---- */

#define ROWS_MAX 4096

struct row {
	uint8_t key[SHA256_SIZE];
	struct uuid id;
	uint64_t seq;
};

enum commit_does { COMMIT_WORKS, COMMIT_FAILS, COMMIT_LOST_DONE, COMMIT_LOST_NOT_DONE };

static struct {
	struct row rows[ROWS_MAX];
	size_t committed, pending;
	uint64_t last_seq;	/* committed */
	uint64_t pending_seq;
	int commits, begins, asked_seq;
	enum commit_does commit;
	bool begin_fails, find_fails, in_transaction;
	char poison; /* an entry whose key begins with this can't be inserted */
	int slow_us;
	int conflicts; /* so many claims meet somebody else's transaction */
} db;

struct meta_capture {
	int unused;
};
static struct meta_capture transaction;

int meta_capture_find(struct meta *m, const uint8_t key[SHA256_SIZE], struct uuid *id_r, struct err *e)
{
	(void)m;
	if (db.find_fails)
		return err_temporary(e, "find failed");
	for (size_t i = 0; i < db.committed; i++) {
		if (memcmp(db.rows[i].key, key, SHA256_SIZE) == 0) {
			*id_r = db.rows[i].id;
			return 1;
		}
	}
	return 0;
}

int meta_capture_attempt(struct meta *m, const struct uuid *id, int64_t now_us, const char *daemon, struct err *e)
{
	(void)m, (void)id, (void)now_us, (void)daemon, (void)e;
	return 0;
}

int meta_capture_last_seq(struct meta *m, const char *daemon, uint64_t *seq_r, struct err *e)
{
	(void)m, (void)e;
	assert_string_equal(daemon, "lmtpd@test");
	db.asked_seq++;
	*seq_r = db.last_seq;
	return 0;
}

int meta_capture_begin(struct meta *m, struct meta_capture **t_r, struct err *e)
{
	(void)m;
	assert_false(db.in_transaction);
	if (db.begin_fails)
		return err_temporary(e, "begin failed");
	db.begins++;
	db.in_transaction = true;
	db.pending = db.committed;
	db.pending_seq = db.last_seq;
	*t_r = &transaction;
	return 0;
}

static void claim_one(struct meta_claim *claim, size_t *taken)
{
	for (size_t i = 0; i < db.pending + *taken; i++) {
		if (memcmp(db.rows[i].key, claim->key, SHA256_SIZE) == 0) {
			claim->existing = db.rows[i].id;
			return;
		}
	}
	memcpy(db.rows[db.pending + *taken].key, claim->key, SHA256_SIZE);
	db.rows[db.pending + *taken].id = claim->id;
	claim->taken = true;
	++*taken;
}

int meta_capture_claim(struct meta_capture *t, struct meta_claim *claims, size_t n, struct err *e)
{
	size_t taken = 0;

	(void)t;
	if (db.conflicts) {
		db.conflicts--;
		return err_conflict(e, "deadlock");
	}
	for (size_t i = 0; i < n; i++)
		claim_one(&claims[i], &taken);
	return 0;
}

int meta_capture_insert(struct meta_capture *t, const struct message_row *row, const uint8_t nonce[LEDGER_NONCE_SIZE],
	const void *record, size_t record_length, const uint8_t leaf[SHA256_SIZE], struct err *e)
{
	struct ledger_record r;
	uint8_t want[SHA256_SIZE];

	(void)t;
	if (db.poison && db.rows[db.pending].key[0] == (uint8_t)db.poison)
		return err_permanent(e, "insert failed");
	assert_int_equal(ledger_record_decode(&r, record, record_length), 0);
	assert_memory_equal(&r.archive_id, &row->id, UUID_SIZE);
	db.rows[db.pending].seq = r.daemon_seq;
	ledger_record_deinit(&r);
	ledger_leaf(want, nonce, record, record_length);
	assert_memory_equal(want, leaf, SHA256_SIZE);
	db.pending++;
	return 0;
}

int meta_capture_hold(struct meta_capture *t, const struct uuid *id, const struct uuid *holds, size_t n, struct err *e)
{
	(void)t, (void)id, (void)holds, (void)e;
	assert_int_equal(n, 0);
	return 0;
}

int meta_capture_batch(struct meta_capture *t, const char *daemon, uint64_t first_seq, size_t count, const uint8_t *leaves,
	int64_t now_us, struct err *e)
{
	(void)t, (void)daemon, (void)leaves, (void)now_us;
	if (first_seq != db.last_seq + 1)
		return err_permanent(e, "it starts at the wrong number");
	assert_int_equal(count, db.pending - db.committed);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(db.rows[db.committed + i].seq, first_seq + i);
	db.pending_seq = first_seq + count - 1;
	return 0;
}

int meta_capture_indexed(struct meta_capture *t, const struct uuid *ids, size_t n, struct err *e)
{
	(void)t, (void)ids, (void)n, (void)e;
	return 0;
}

int meta_capture_commit(struct meta_capture **t, struct err *e)
{
	*t = NULL;
	db.in_transaction = false;
	if (db.slow_us)
		usleep((useconds_t)db.slow_us);
	if (db.commit == COMMIT_FAILS)
		return err_temporary(e, "commit failed");
	if (db.commit == COMMIT_LOST_NOT_DONE)
		return err_unknown(e, "answer lost");
	db.committed = db.pending;
	db.last_seq = db.pending_seq;
	db.commits++;
	return db.commit == COMMIT_LOST_DONE ? err_unknown(e, "answer lost") : 0;
}

void meta_capture_rollback(struct meta_capture **t)
{
	*t = NULL;
	db.in_transaction = false;
}

/* ---- entries ---- */

static struct group *group;

static void make_entry(struct entry *e, const char *key)
{
	*e = (struct entry){ .row.id = uuid_new(0) };
	memset(e->key, 0, sizeof(e->key));
	memcpy(e->key, key, strlen(key));
	e->row.subject = mem_strdup("");
	e->row.message_id = mem_strdup("");
	e->row.capture_point = mem_strdup("lmtp");
	e->document = document_new(&e->row, &(struct strv){ 0 }, mem_strdup("text"));
}

static int commit_one(const char *key, struct entry *keep)
{
	CLEANUP(entry_deinit) struct entry e;

	make_entry(&e, key);
	int failed = group_commit(group, &e);

	if (keep) {
		*keep = (struct entry){ .known = e.known, .known_as = e.known_as, .err = e.err };
		keep->row.id = e.row.id;
	}
	return failed;
}

static int set_up(void **state)
{
	(void)state;
	memset(&db, 0, sizeof(db));
	log_set_level(LOG_FATAL);
	group = group_new(NULL, NULL, "lmtpd@test");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	group_freep(&group);
	return 0;
}

/* ---- tests ---- */

/* Another process took numbers under our name, or the database is not the one it was: that costs one message a retry. */
static void test_the_sequence_is_asked_for_after_any_failure(void **state)
{
	(void)state;
	assert_int_equal(commit_one("a", NULL), 0);
	db.last_seq += 5;
	assert_int_equal(commit_one("b", NULL), -1);
	assert_int_equal(commit_one("b", NULL), 0);
	assert_int_equal(commit_one("c", NULL), 0);
	assert_int_equal(db.last_seq, 8);
	assert_int_equal(db.asked_seq, 2);
}

static void test_one_after_the_other(void **state)
{
	(void)state;
	assert_int_equal(commit_one("a", NULL), 0);
	assert_int_equal(commit_one("b", NULL), 0);
	assert_int_equal(db.committed, 2);
	assert_int_equal(db.last_seq, 2);
	assert_int_equal(db.asked_seq, 1);
}

static void test_goes_on_where_the_last_process_ended(void **state)
{
	(void)state;
	db.last_seq = 41;
	assert_int_equal(commit_one("a", NULL), 0);
	assert_int_equal(db.rows[0].seq, 42);
}

static void test_a_known_key_names_the_first(void **state)
{
	(void)state;
	struct entry first, second;

	assert_int_equal(commit_one("same", &first), 0);
	assert_int_equal(commit_one("same", &second), 0);
	assert_false(first.known);
	assert_true(second.known);
	assert_memory_equal(&second.known_as, &first.row.id, UUID_SIZE);
	assert_int_equal(db.last_seq, 1);
}

static void test_failures_use_up_no_sequence_number(void **state)
{
	(void)state;
	struct entry e;

	assert_int_equal(commit_one("a", NULL), 0);
	db.commit = COMMIT_FAILS;
	assert_int_equal(commit_one("b", &e), -1);
	assert_int_equal(e.err.class, ERR_TEMPORARY);
	db.commit = COMMIT_WORKS;
	db.begin_fails = true;
	assert_int_equal(commit_one("b", NULL), -1);
	db.begin_fails = false;
	assert_int_equal(commit_one("b", NULL), 0);
	assert_int_equal(db.rows[1].seq, 2);
}

static void test_a_conflict_is_tried_again(void **state)
{
	(void)state;
	struct entry e;

	db.conflicts = 3;
	assert_int_equal(commit_one("a", &e), 0);
	assert_int_equal(db.begins, 4);
	db.conflicts = 100; /* a bounded number of times */
	assert_int_equal(commit_one("b", &e), -1);
	assert_int_equal(e.err.class, ERR_CONFLICT);
	assert_int_equal(db.begins, 8);
	db.conflicts = 0;
	assert_int_equal(commit_one("b", NULL), 0);
	assert_int_equal(db.rows[1].seq, 2);
}

static void test_a_lost_answer_is_looked_up(void **state)
{
	(void)state;
	struct entry e;

	db.commit = COMMIT_LOST_DONE;
	assert_int_equal(commit_one("a", &e), 0);
	assert_false(e.known);
	db.commit = COMMIT_LOST_NOT_DONE;
	assert_int_equal(commit_one("b", &e), -1);
	assert_int_equal(e.err.class, ERR_TEMPORARY);
	db.commit = COMMIT_WORKS;
	assert_int_equal(commit_one("b", NULL), 0);
	assert_int_equal(db.rows[1].seq, 2);
}

/* Done, but nobody can tell: no success; the retry finds it known, and the sequence has no gap. */
static void test_an_outcome_that_stays_unknown_is_no_success(void **state)
{
	(void)state;
	struct entry first, retry;

	db.commit = COMMIT_LOST_DONE;
	db.find_fails = true;
	assert_int_equal(commit_one("a", &first), -1);
	assert_int_equal(first.err.class, ERR_TEMPORARY);
	db.commit = COMMIT_WORKS;
	db.find_fails = false;
	assert_int_equal(commit_one("a", &retry), 0);
	assert_true(retry.known);
	assert_memory_equal(&retry.known_as, &first.row.id, UUID_SIZE);
	assert_int_equal(commit_one("b", NULL), 0);
	assert_int_equal(db.last_seq, 2);
}

/* ---- many at a time ---- */

#define THREADS 50

struct caller {
	pthread_t thread;
	char key[16];
	int result;
	struct entry entry;
};

static void *call(void *arg)
{
	struct caller *c = arg;

	c->result = commit_one(c->key, &c->entry);
	return NULL;
}

static void call_all(struct caller *callers)
{
	for (int i = 0; i < THREADS; i++) {
		snprintf(callers[i].key, sizeof(callers[i].key), "%d", i % 25);
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(callers[i].thread, NULL);
}

static void test_waiting_callers_share_a_commit(void **state)
{
	(void)state;
	static struct caller callers[THREADS];
	size_t known = 0;

	db.slow_us = 20000;
	call_all(callers);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(callers[i].result, 0);
		known += callers[i].entry.known;
	}
	assert_int_equal(known, THREADS / 2); /* every key came twice, also within a group */
	assert_int_equal(db.committed, THREADS / 2);
	assert_int_equal(db.last_seq, THREADS / 2);
	assert_true(db.begins < THREADS / 2);
}

static void test_one_that_cannot_be_inserted_keeps_nobody_out(void **state)
{
	(void)state;
	static struct caller callers[THREADS];
	size_t failed = 0;

	db.slow_us = 20000;
	db.poison = '7';
	call_all(callers); /* the keys 7 and 7 */
	for (int i = 0; i < THREADS; i++)
		failed += callers[i].result != 0;
	assert_int_equal(failed, 2);
	assert_int_equal(db.committed, THREADS / 2 - 1);
	assert_int_equal(db.last_seq, THREADS / 2 - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_sequence_is_asked_for_after_any_failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_after_the_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_goes_on_where_the_last_process_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_known_key_names_the_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failures_use_up_no_sequence_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_conflict_is_tried_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_lost_answer_is_looked_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_outcome_that_stays_unknown_is_no_success, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waiting_callers_share_a_commit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_cannot_be_inserted_keeps_nobody_out, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
