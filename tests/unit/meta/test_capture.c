/* The write path of meta: all or nothing, each transaction once, sequences without gaps, and nothing changed later. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/sql.h"

#define PEOPLE "1 a@example.org 2 b@example.org 3 a@example.org 5 list@example.org"

static void what_was_put_comes_back(void **state)
{
	int64_t now = clock_now_us();
	struct uuid id = put(now, PEOPLE);
	CLEANUP(message_row_deinit) struct message_row r = { 0 };
	CLEANUP(message_row_deinit) struct message_row was = make_row(&id, now, PEOPLE);
	CLEANUP(meta_record_deinit) struct meta_record record = { 0 };
	uint8_t leaf[SHA256_SIZE];

	(void)state;
	reopen_meta();
	assert_int_equal(meta_message_load(meta, &id, &r, &err), 1);
	assert_memory_equal(&r.id, &id, sizeof(id));
	assert_int_equal(r.date_us, now);
	assert_int_equal(r.header_date_us, now + 7);
	assert_int_equal(r.size, 1234);
	assert_memory_equal(r.sha256, was.sha256, SHA256_SIZE);
	assert_string_equal(r.subject, was.subject);
	assert_string_equal(r.evidence, was.evidence);
	assert_string_equal(r.locator.key, was.locator.key);
	assert_int_equal(r.participant_count, 4);
	assert_int_equal(r.participants[3].role, ROLE_REPLY_TO);
	assert_string_equal(r.participants[1].normal, "b@example.org");
	assert_int_equal(r.attachment_count, 1);
	assert_string_equal(r.attachments[0].content_type, "text/plain");
	assert_int_equal(meta_record_get(meta, &id, &record, &err), 1);
	leaf_of(&id, leaf);
	assert_memory_equal(record.leaf, leaf, SHA256_SIZE);
	assert_int_equal(record.record_length, 6);
	assert_memory_equal(record.record, "record", 6);
	assert_string_equal(record.daemon, "lmtpd@test");
	assert_int_equal(ledger_faults(), 0);
}

static void many_participants_come_back_in_order(void **state)
{
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(buf_deinit) struct buf people = BUF_INIT(1 << 20);
	CLEANUP(message_row_deinit) struct message_row r = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&people, "2 m%d@example.org ", i), 0);
	assert_ok(put_as(meta, "lmtpd@test", &id, 1, people.data, &err));
	assert_int_equal(meta_message_load(meta, &id, &r, &err), 1);
	assert_int_equal(r.participant_count, 1000);
	assert_string_equal(r.participants[999].normal, "m999@example.org");
}

#define MANY (SQL_IDS_MAX + 44) /* more than one statement takes */

/* Of `n` ids, the newest first, every third of which nobody archived. */
static void check_list(const struct uuid *ids, size_t n)
{
	_free_ struct message_row *rows = MEM_ARRAY(struct message_row, n);

	assert_ok(meta_messages_load(meta, ids, n, rows, &err));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(message_row_is_there(&rows[i]), i % 3 != 2);
		assert_int_equal(rows[i].participant_count, i % 3 == 2 ? 0 : i % 3 ? 4 : 1);
		assert_int_equal(rows[i].attachment_count, i % 3 != 2);
		if (i % 3 != 2) {
			assert_memory_equal(&rows[i].id, &ids[i], UUID_SIZE);
			assert_int_equal(rows[i].date_us, i + 1);
			assert_string_equal(rows[i].participants[rows[i].participant_count - 1].normal, "list@example.org");
		}
		message_row_deinit(&rows[i]);
	}
}

static void a_list_comes_back_as_it_was_asked_for(void **state)
{
	static const char *const people[] = { "2 list@example.org", PEOPLE };
	struct uuid ids[MANY];

	(void)state;
	for (size_t i = MANY; i-- > 0;) {
		ids[i] = uuid_new(clock_now_us());
		if (i % 3 != 2)
			assert_ok(put_as(meta, "lmtpd@test", &ids[i], (int64_t)i + 1, people[i % 3], &err));
	}
	check_list(ids, MANY);
	check_list(ids, 1);
	check_list(ids, 3);
	check_list(ids, SQL_IDS_MAX);
	check_list(ids, 0);
}

/* Begins a group and adds `n` messages; their ids and leaves come back. */
static struct meta_capture *begin_group(struct uuid *ids, uint8_t *leaves, size_t n)
{
	struct meta_capture *t;

	assert_ok(meta_capture_begin(meta, &t, &err));
	for (size_t i = 0; i < n; i++) {
		ids[i] = uuid_new(clock_now_us());
		CLEANUP(message_row_deinit) struct message_row r = make_row(&ids[i], 1000, PEOPLE);

		assert_ok(add_row_to(t, &r, leaves + i * SHA256_SIZE, &err));
	}
	return t;
}

static int count_rows(void)
{
	return (int)raw_number("capture.db",
		"SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM participant) +"
		" (SELECT count(*) FROM mailbox_message) + (SELECT count(*) FROM attachment) +"
		" (SELECT count(*) FROM capture_key) + (SELECT count(*) FROM ledger_record) +"
		" (SELECT count(*) FROM ledger_batch) + (SELECT count(*) FROM outbox)");
}

static void a_group_is_all_or_nothing(void **state)
{
	struct uuid ids[3];
	uint8_t leaves[3 * SHA256_SIZE];
	int before = count_rows();
	uint64_t seq;
	struct meta_capture *t = begin_group(ids, leaves, 3);

	(void)state;
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 3, leaves, 1, &err));
	assert_int_equal(count_rows(), before); /* nobody else sees it yet */
	meta_capture_rollback(&t);
	assert_null(t);
	assert_int_equal(count_rows(), before);

	t = begin_group(ids, leaves, 3);
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 3, leaves, 1, &err));
	assert_ok(meta_capture_commit(&t, &err));
	assert_int_equal(count_rows(), before + 3 * (1 + 4 + 2 + 1 + 1 + 1 + 1) + 1);
	assert_int_equal(ledger_faults(), 0);
}

static void a_transaction_is_archived_once(void **state)
{
	struct uuid ids[1], other = uuid_new(clock_now_us()), existing;
	uint8_t leaves[SHA256_SIZE], key[SHA256_SIZE], free_key[SHA256_SIZE] = { 7 };
	struct meta_capture *t = begin_group(ids, leaves, 1);
	uint64_t seq;

	(void)state;
	key_of(&ids[0], key);
	assert_int_equal(claim_one(t, key, &other, 1, &existing, &err), 0); /* within one */
	assert_memory_equal(&existing, &ids[0], sizeof(existing));
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaves, 1, &err));
	assert_int_equal(meta_capture_find(meta, key, &existing, &err), 0); /* not committed yet */
	assert_ok(meta_capture_commit(&t, &err));

	assert_int_equal(meta_capture_find(meta, key, &existing, &err), 1);
	assert_memory_equal(&existing, &ids[0], sizeof(existing));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_int_equal(claim_one(t, key, &other, 1, &existing, &err), 0); /* across two */
	assert_memory_equal(&existing, &ids[0], sizeof(existing));
	assert_ok(meta_capture_commit(&t, &err));
	assert_int_equal(meta_capture_find(meta, free_key, &existing, &err), 0);
	assert_ok(meta_capture_attempt(meta, &ids[0], 5, "lmtpd@test", &err));
	assert_ok(meta_capture_attempt(meta, &ids[0], 5, "lmtpd@test", &err));
	assert_ok(meta_capture_attempt(meta, &ids[0], 6, "lmtpd@test", &err));
	assert_int_equal(raw_number("capture.db", "SELECT count(*) FROM capture_attempt"), 2);
}

/* A key without its message would have a retry acknowledged that is nowhere. */
static void a_claim_needs_its_message(void **state)
{
	struct uuid id = uuid_new(clock_now_us()), existing;
	uint8_t key[SHA256_SIZE] = { 42 }, nonce[LEDGER_NONCE_SIZE] = { 0 };
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1, PEOPLE);
	struct meta_capture *t;

	(void)state;
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_refused(meta_capture_insert(t, &r, nonce, "r", 1, key, &err), ERR_PERMANENT,
		"not the next");
	assert_int_equal(claim_one(t, key, &id, 1, &existing, &err), 1);
	key[0]++;
	assert_refused(claim_one(t, key, &id, 1, &existing, &err), ERR_PERMANENT,
		"not inserted");
	assert_refused(meta_capture_commit(&t, &err), ERR_PERMANENT, "not inserted");
	assert_null(t);
	key[0]--;
	assert_int_equal(meta_capture_find(meta, key, &existing, &err), 0);
}

static void batches_have_no_gaps(void **state)
{
	struct uuid ids[2];
	uint8_t leaves[2 * SHA256_SIZE];
	uint64_t seq, after;
	uint64_t before = message_count();

	(void)state;
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	struct meta_capture *t = begin_group(ids, leaves, 2);

	assert_refused(meta_capture_batch(t, "lmtpd@test", seq + 2, 2, leaves, 1, &err),
		ERR_PERMANENT, "another process");
	assert_refused(meta_capture_batch(t, "lmtpd@test", seq, 2, leaves, 1, &err), ERR_PERMANENT,
		"another process");
	assert_refused(meta_capture_batch(t, "new@test", 2, 2, leaves, 1, &err), ERR_PERMANENT,
		"another process");
	assert_refused(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaves, 1, &err),
		ERR_PERMANENT, "for 2 messages");
	leaves[SHA256_SIZE] ^= 1;
	assert_refused(meta_capture_batch(t, "lmtpd@test", seq + 1, 2, leaves, 1, &err),
		ERR_PERMANENT, "leaf 1");
	assert_refused(meta_capture_commit(&t, &err), ERR_PERMANENT, "no ledger batch");
	assert_int_equal(message_count(), before);
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &after, &err));
	assert_int_equal(after, seq);
	assert_ok(meta_capture_last_seq(meta, "nobody@test", &after, &err));
	assert_int_equal(after, 0);
}

static void the_outbox_is_consumed_by_presence(void **state)
{
	struct uuid ids[10], first = put(1, PEOPLE), second = put(1, PEOPLE);
	uint64_t n, left;
	int64_t oldest;
	size_t listed;

	(void)state;
	assert_ok(meta_outbox_count(meta, &n, &oldest, &err));
	assert_true(n >= 2);
	assert_in_range(clock_now_us() - oldest, 0, 60 * CLOCK_SECOND);
	assert_ok(meta_outbox_list(meta, 0, ids, 10, &listed, &err));
	assert_int_equal(listed, 0);
	assert_ok(meta_outbox_list(meta, INT64_MAX, ids, 1, &listed, &err));
	assert_int_equal(listed, 1);

	struct meta_capture *t;

	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(meta_capture_indexed(t, &first, 1, &err));
	assert_ok(meta_capture_commit(&t, &err));
	assert_ok(meta_outbox_clear(meta, &second, 1, &err));
	assert_ok(meta_outbox_clear(meta, &second, 1, &err));
	assert_ok(meta_outbox_count(meta, &left, &oldest, &err));
	assert_int_equal(left, n - 2);
	assert_ok(meta_outbox_add(meta, &second, 1, 3, &err));
	assert_ok(meta_outbox_add(meta, &second, 1, 4, &err));
	assert_ok(meta_outbox_count(meta, &left, &oldest, &err));
	assert_int_equal(left, n - 1);
	assert_int_equal(oldest, 3);

	struct uuid ahead = { { 0 } };

	assert_ok(meta_outbox_add(meta, &ahead, 1, clock_now_us() + 3600 * CLOCK_SECOND, &err));
	assert_ok(meta_outbox_list(meta, clock_now_us() - 60 * CLOCK_SECOND, ids, 10, &listed, &err));
	assert_true(listed >= 2); /* what a clock that was ahead queued is not left for later */
	assert_memory_equal(&ids[0], &ahead, sizeof(ahead));
	assert_ok(meta_outbox_clear(meta, &ahead, 1, &err));
}

static void a_walk_meets_every_message_once(void **state)
{
	struct uuid ids[3], at = { 0 };
	uint64_t met = 0;
	size_t n;

	(void)state;
	for (int i = 0; i < 7; i++)
		put(1, PEOPLE);
	do {
		assert_ok(meta_message_walk(meta, &at, ids, 3, &n, &err));
		for (size_t i = 0; i < n; i++) {
			assert_true(memcmp(&ids[i], &at, sizeof(at)) > 0);
			at = ids[i];
		}
		met += n;
	} while (n);
	assert_int_equal(met, message_count());
}

static void what_is_written_stays(void **state)
{
	static const char *const tables[] = { "message", "participant", "mailbox_message",
		"attachment", "capture_key",
		"capture_attempt", "ledger_record", "ledger_batch" };
	static const char *const columns[] = { "subject = ''", "name = ''", "date_us = 0",
		"size = 0", "taken_us = 0",
		"at_us = 0", "seq = 0", "leaf_count = 0" };
	struct uuid id = put(1, PEOPLE);

	(void)state;
	assert_ok(meta_capture_attempt(meta, &id, 5, "lmtpd@test", &err));
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		_free_ char *update = mem_printf("UPDATE %s SET %s", tables[i], columns[i]);
		_free_ char *erase = mem_printf("DELETE FROM %s", tables[i]);

		assert_int_equal(raw_sql("capture.db", update), SQLITE_CONSTRAINT);
		assert_int_equal(raw_sql("capture.db", erase), SQLITE_CONSTRAINT);
	}
}

static void numbers_too_large_are_refused(void **state)
{
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1, PEOPLE);
	struct meta_capture *t;
	uint8_t leaf[SHA256_SIZE];

	(void)state;
	r.size = UINT64_MAX;
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_refused(add_row_to(t, &r, leaf, &err), ERR_PERMANENT, "2^63");
	meta_capture_rollback(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_comes_back),
		cmocka_unit_test(many_participants_come_back_in_order),
		cmocka_unit_test(a_list_comes_back_as_it_was_asked_for),
		cmocka_unit_test(a_group_is_all_or_nothing),
		cmocka_unit_test(a_transaction_is_archived_once),
		cmocka_unit_test(a_claim_needs_its_message),
		cmocka_unit_test(batches_have_no_gaps),
		cmocka_unit_test(the_outbox_is_consumed_by_presence),
		cmocka_unit_test(a_walk_meets_every_message_once),
		cmocka_unit_test(what_is_written_stays),
		cmocka_unit_test(numbers_too_large_are_refused),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
