/* A message is disposed of only while nothing keeps it, once, and for good; what comes again is archived again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/account.h"
#include "meta/department.h"
#include "meta/disposed.h"
#include "meta/disposition.h"
#include "meta/keep_gate.h"
#include "meta/lifecycle.h"
#include "meta/retention.h"

static const int64_t start_us = INT64_C(1600000000) * CLOCK_SECOND, day = 86400 * CLOCK_SECOND;
static struct disposing by;

/* One that is kept for a day. */
static struct uuid archive(int64_t at_us)
{
	return archive_kept(at_us, at_us + day);
}

static struct meta_lifecycle *begin(void)
{
	struct meta_lifecycle *l;

	assert_ok(meta_lifecycle_begin(meta, "worker", &l, &err));
	return l;
}

static int dispose(const struct uuid *id, int64_t until_us)
{
	struct disposing what = by;
	struct meta_lifecycle *l = begin();

	what.until_us = until_us;
	int rc = meta_lifecycle_dispose(l, id, &what, &err);

	assert_ok(meta_lifecycle_commit(&l, &err));
	return rc;
}

static void hold(const struct uuid *id, const struct uuid *hold_id, enum hold_event event)
{
	struct meta_lifecycle *l = begin();
	const struct message_hold which = { *id, *hold_id };

	assert_int_equal(meta_lifecycle_hold(l, &which, event, 5, &err), 1);
	assert_ok(meta_lifecycle_commit(&l, &err));
}

static void extend(const struct uuid *id, int64_t until_us)
{
	struct meta_lifecycle *l = begin();

	assert_int_equal(meta_lifecycle_extend(l, id, until_us, 1, "x", &err), 1);
	assert_ok(meta_lifecycle_commit(&l, &err));
}

static bool is_disposed(const struct uuid *id, struct disposed *d)
{
	int rc = meta_disposed_get(meta, id, d, &err);

	assert_true(rc >= 0);
	return rc;
}

static void only_what_nothing_keeps(void **state)
{
	struct uuid id = archive(start_us), other = archive(start_us), held = archive(start_us), none = uuid_new(start_us), first = uuid_new(1),
		    second = uuid_new(2);
	struct disposed d;

	(void)state;
	assert_int_equal(dispose(&none, start_us + 9 * day), 0);
	assert_int_equal(dispose(&id, start_us + day - 1), 0);
	extend(&id, start_us + 2 * day);
	assert_int_equal(dispose(&id, start_us + 2 * day - 1), 0);
	hold(&held, &first, HOLD_PLACED);
	hold(&held, &second, HOLD_PLACED);
	assert_int_equal(dispose(&held, start_us + 9 * day), 0);
	hold(&held, &first, HOLD_LIFTED);
	assert_int_equal(dispose(&held, start_us + 9 * day), 0);
	assert_false(is_disposed(&id, &d));
	assert_false(is_disposed(&held, &d));
	hold(&held, &second, HOLD_LIFTED);
	assert_int_equal(dispose(&held, start_us + day), 1);
	assert_int_equal(dispose(&id, start_us + 2 * day), 1);
	assert_int_equal(dispose(&id, start_us + 2 * day), 0); /* once */
	assert_true(is_disposed(&id, &d));
	assert_memory_equal(&d.disposition, &by.disposition, UUID_SIZE);
	assert_true(d.at_us == by.now_us && d.removed_us == 0);
	assert_false(is_disposed(&other, &d));
}

static void what_is_held_when_captured_stays(void **state)
{
	struct uuid id = uuid_floor(start_us), by_hold = uuid_new(3);
	struct meta_capture *t;
	uint8_t leaf[SHA256_SIZE];
	uint64_t seq;

	(void)state;
	id.bytes[UUID_SIZE - 1] = 200;
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, start_us, "0 a@example.org");

	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(add_row_to(t, &r, leaf, &err));
	assert_ok(meta_capture_hold(t, &id, &by_hold, 1, &err));
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, start_us, &err));
	assert_ok(meta_capture_commit(&t, &err));
	assert_int_equal(dispose(&id, start_us + 9 * day), 0);
}

static size_t removals(int64_t now_us)
{
	struct removal list[20];
	size_t n;

	assert_ok(meta_removal_list(meta, now_us, list, ARRAY_LEN(list), &n, &err));
	return n;
}

static void bytes_go_later(void **state)
{
	struct uuid id = archive(start_us), after = id, end;
	struct disposed d, list[2];
	struct expired_messages *expired = MEM_NEW(struct expired_messages);
	size_t before = removals(INT64_MAX), n;
	uint64_t waiting;
	int64_t oldest_us;

	(void)state;
	memset(&end, 0xff, sizeof(end));
	after.bytes[UUID_SIZE - 1]--;
	assert_ok(meta_expired_list(meta, &after, start_us + day, expired, &err));
	assert_int_equal(expired->n, 1);
	assert_ok(meta_outbox_count(meta, &waiting, &oldest_us, &err));
	assert_int_equal(dispose(&id, start_us + day), 1);
	assert_int_equal(raw_number("capture.db", "SELECT count(*) FROM outbox"), waiting - 1);
	assert_ok(meta_expired_list(meta, &after, start_us + day, expired, &err));
	assert_int_equal(expired->n, 0); /* it is no longer there to expire */
	assert_int_equal(removals(by.now_us), before + 1);
	struct meta_lifecycle *l = begin();

	assert_ok(meta_lifecycle_put_off(l, &id, by.now_us + 5, &err));
	assert_ok(meta_lifecycle_commit(&l, &err));
	assert_int_equal(removals(by.now_us), before);
	assert_int_equal(removals(by.now_us + 5), before + 1);
	l = begin();
	assert_ok(meta_lifecycle_removed(l, &id, 99, &err));
	assert_ok(meta_lifecycle_removed(l, &id, 100, &err)); /* again, after a crash */
	assert_ok(meta_lifecycle_commit(&l, &err));
	assert_int_equal(removals(INT64_MAX), before);
	assert_true(is_disposed(&id, &d) && d.removed_us == 99);
	for (uint64_t round = 1; round < 3; round++) {
		const struct disposal far = { .disposition = by.disposition, .at = id, .looked = 9, .disposed = 5 + round, .held = 2, .kept = 1,
			.began_us = 10, .walked_us = 11, .finished_us = 12 };
		struct disposal known;
		uint64_t count, refused;

		l = begin();
		known = (struct disposal){ .disposition = by.disposition, .began_us = 10 };
		assert_int_equal(meta_lifecycle_disposal_begin(l, &known, &err), round == 1);
		assert_true(round == 1 ? known.disposed == 0 : known.disposed == 6); /* what another has come to stays */
		assert_int_equal(meta_lifecycle_disposal_finish(l, &by.disposition, 11, &err), 0);
		assert_ok(meta_lifecycle_disposal(l, &far, &err));
		assert_ok(meta_lifecycle_commit(&l, &err));
		assert_int_equal(meta_disposal_get(meta, &by.disposition, &known, &err), 1);
		assert_memory_equal(&known, &far, sizeof(far));
		assert_ok(meta_disposed_count(meta, &count, &err));
		assert_int_equal(count, 5 + round);
		assert_ok(meta_disposal_waiting(meta, &by.disposition, &count, &refused, &err));
		assert_true(count == before && refused == 0);
	}
	assert_ok(meta_disposed_list(meta, &after, &end, list, 2, &n, &err));
	assert_int_equal(n, 1);
	assert_memory_equal(&list[0].id, &id, UUID_SIZE);
	assert_ok(meta_disposed_list(meta, &after, &id, list, 2, &n, &err));
	assert_int_equal(n, 0);
	free(expired);
}

static void the_index_is_cleared_twice(void **state)
{
	struct uuid ids[50];
	size_t n;

	(void)state;
	assert_ok(meta_index_removal_list(meta, 100, ids, ARRAY_LEN(ids), &n, &err));
	assert_true(n > 0);
	assert_ok(meta_index_removal_done(meta, ids, n, 100, 150, &err));
	assert_ok(meta_index_removal_list(meta, 150, ids, ARRAY_LEN(ids), &n, &err));
	assert_int_equal(n, 0);
	assert_ok(meta_index_removal_list(meta, 151, ids, ARRAY_LEN(ids), &n, &err));
	assert_true(n > 0);
	assert_ok(meta_index_removal_done(meta, ids, n, 151, 200, &err));
	assert_ok(meta_index_removal_list(meta, INT64_MAX, ids, ARRAY_LEN(ids), &n, &err));
	assert_int_equal(n, 0);
}

/* The same transaction, under another id: 1 taken, 0 known as *known_r. */
static int send_again(const struct uuid *as, const struct uuid *id, struct uuid *known_r)
{
	uint8_t key[SHA256_SIZE], leaf[SHA256_SIZE], nonce[LEDGER_NONCE_SIZE] = { 9 };
	CLEANUP(message_row_deinit) struct message_row r = make_row(id, start_us, "0 a@example.org");
	struct meta_capture *t;
	uint64_t seq;

	key_of(as, key);
	leaf_of(id, leaf);
	r.retain_until_us = start_us + day;
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	int taken = claim_one(t, key, id, start_us, known_r, &err);

	assert_true(taken >= 0);
	if (taken) {
		assert_ok(meta_capture_insert(t, &r, nonce, "record", 6, leaf, &err));
		assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, start_us, &err));
	}
	assert_ok(meta_capture_commit(&t, &err));
	return taken;
}

static void what_comes_again_is_archived_again(void **state)
{
	struct uuid first = archive(start_us), now = first, next, known;
	uint8_t key[SHA256_SIZE];

	(void)state;
	key_of(&first, key);
	for (int round = 0; round < 3; round++) {
		next = uuid_new(clock_now_us());
		assert_int_equal(meta_capture_find(meta, key, &known, &err), 1);
		assert_memory_equal(&known, &now, UUID_SIZE);
		assert_int_equal(send_again(&first, &next, &known), 0);
		assert_memory_equal(&known, &now, UUID_SIZE);
		assert_int_equal(dispose(&now, start_us + day), 1);
		assert_int_equal(meta_capture_find(meta, key, &known, &err), 0);
		assert_int_equal(send_again(&first, &next, &known), 1);
		now = next;
	}
	assert_int_equal(meta_capture_find(meta, key, &known, &err), 1);
	assert_memory_equal(&known, &now, UUID_SIZE);
	assert_int_equal(ledger_faults(), 1); /* nobody has counted those of this file as they were disposed of */
	assert_ok(raw_sql("capture.db", "UPDATE disposal SET disposed = (SELECT count(*) FROM message_disposed)"));
	assert_int_equal(ledger_faults(), 0);
}

static uint64_t generation(void)
{
	uint64_t n;

	assert_ok(meta_keep_generation(meta, &n, &err));
	return n;
}

static int gate(uint64_t judged)
{
	struct meta_lifecycle *l = begin();
	int same = meta_lifecycle_gate(l, judged, &err);

	meta_lifecycle_rollback(&l);
	return same;
}

/* Whatever keeps mail longer is known to who disposes of it before it is answered. */
static void what_keeps_mail_shuts_the_gate(void **state)
{
	char *mailboxes[] = { (char[]){ "a@example.org" } }, *departments[] = { (char[]){ "dep" } };
	const struct strv one = { mailboxes, 1 }, dep = { departments, 1 }, none = { 0 };
	struct hold h = { .id = uuid_new(clock_now_us()), .name = (char[]){ "x" }, .kind = HOLD_MESSAGES, .scope = (char[]){ "{}" },
		.query = (char[]){ "" }, .placed = { 1, 1, (char[]){ "x" } } };
	struct retention_policy p = { .id = uuid_new(clock_now_us()), .revision = 1, .at_us = 1, .name = (char[]){ "x" },
		.kind = RETENTION_ALL, .subject = (char[]){ "" }, .days = 1, .reason = (char[]){ "" } };
	uint64_t before = generation();

	(void)state;
	assert_int_equal(gate(before), 1);
	assert_ok(meta_hold_place(meta, &h, &h.id, 1, &err));
	assert_int_equal(gate(before), 0);
	assert_int_equal(gate(before + 2), 1); /* raised before and behind it */
	assert_int_equal(meta_retention_put(meta, &p, &err), 1);
	assert_int_equal(generation(), before + 4);
	assert_ok(meta_department_change(meta, "dep", DEPARTMENT_ADD, &one, &err));
	assert_int_equal(generation(), before + 6);
	assert_ok(meta_department_sync(meta, "dep", &one, &none, &err));
	assert_int_equal(generation(), before + 8);
	assert_ok(meta_member_set(meta, "b@example.org", &dep, &err));
	assert_int_equal(generation(), before + 10);
	struct department d = { 0 };

	assert_int_equal(meta_department_get(meta, "dep", &d, &err), 1);
	assert_int_equal(meta_department_replace(meta, "dep", d.version, &one, &err), 1);
	department_deinit(&d);
	assert_int_equal(generation(), before + 12);
	assert_int_equal(gate(before + 11), 0);
}

static uint64_t holds(void)
{
	CLEANUP(holds_deinit) struct holds list = { 0 };
	const struct uuid first = { 0 };

	assert_ok(meta_hold_list(meta, &first, 100, &list, &err));
	return list.n;
}

/* What is answered with a failure may be asked for again: nothing was done. */
static void nothing_is_in_force_while_the_gate_is_away(void **state)
{
	struct hold h = { .id = uuid_new(clock_now_us()), .name = (char[]){ "x" }, .kind = HOLD_MESSAGES, .scope = (char[]){ "{}" },
		.query = (char[]){ "" }, .placed = { 1, 1, (char[]){ "x" } } };
	uint64_t before = holds();

	(void)state;
	assert_ok(raw_sql("capture.db", "ALTER TABLE keep_gate RENAME TO keep_gate_away"));
	assert_int_equal(meta_hold_place(meta, &h, &h.id, 1, &err), -1);
	assert_int_equal(holds(), before);
	assert_ok(raw_sql("capture.db", "ALTER TABLE keep_gate_away RENAME TO keep_gate"));
	assert_ok(meta_hold_place(meta, &h, &h.id, 1, &err));
	assert_int_equal(holds(), before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_nothing_keeps),
		cmocka_unit_test(what_is_held_when_captured_stays),
		cmocka_unit_test(bytes_go_later),
		cmocka_unit_test(the_index_is_cleared_twice),
		cmocka_unit_test(what_comes_again_is_archived_again),
		cmocka_unit_test(what_keeps_mail_shuts_the_gate),
		cmocka_unit_test(nothing_is_in_force_while_the_gate_is_away),
	};

	by = (struct disposing){ .disposition = uuid_new(7), .now_us = 70 };
	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
