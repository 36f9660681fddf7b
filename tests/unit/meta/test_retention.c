/* Policies are added to and never changed; messages are kept longer by rows of their own, each with its fact. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/lifecycle.h"
#include "meta/retention.h"

#define WORKERD "workerd@test"

static struct retention_policy policy(struct uuid id, uint64_t revision, uint64_t place, uint64_t days)
{
	return (struct retention_policy){ .id = id, .revision = revision, .at_us = 5, .account_id = 1, .place = place,
		.name = (char *)(uintptr_t)"Die Bücher", .kind = RETENTION_MAILBOX,
		.subject = (char *)(uintptr_t)"ann@example.org", .days = days, .reason = (char *)(uintptr_t)"law" };
}

static int add(struct uuid id, uint64_t revision, uint64_t place, uint64_t days)
{
	struct retention_policy p = policy(id, revision, place, days);

	return meta_retention_put(meta, &p, &err);
}

static void the_newest_revision_counts(void **state)
{
	CLEANUP(retention_policies_deinit) struct retention_policies list = { 0 }, history = { 0 };
	CLEANUP(retention_policy_deinit) struct retention_policy p = { 0 };
	struct uuid a = uuid_new(clock_now_us()), b = uuid_new(clock_now_us());
	uint64_t before, after;

	(void)state;
	assert_ok(meta_retention_newest(meta, &before, &err));
	assert_int_equal(add(a, 1, 20, 4000), 1);
	assert_int_equal(add(b, 1, 10, 5000), 1);
	assert_int_equal(add(a, 1, 20, 1), 0); /* somebody was faster */
	assert_int_equal(add(a, 2, 20, 6000), 1);
	assert_ok(meta_retention_newest(meta, &after, &err));
	assert_true(after > before);
	assert_ok(meta_retention_list(meta, &list, &err));
	assert_int_equal(list.n, 2);
	assert_memory_equal(&list.items[0].id, &b, sizeof(b)); /* in their order */
	assert_int_equal(list.items[1].days, 6000);
	assert_int_equal(list.items[1].change, after);
	assert_string_equal(list.items[1].name, "Die Bücher");
	assert_string_equal(list.items[1].subject, "ann@example.org");
	assert_ok(meta_retention_history(meta, &a, &history, &err));
	assert_int_equal(history.n, 2);
	assert_int_equal(history.items[0].days, 4000);
	assert_int_equal(meta_retention_get(meta, &a, &p, &err), 1);
	assert_int_equal(p.revision, 2);
	a.bytes[0] ^= 1;
	assert_int_equal(meta_retention_get(meta, &a, &p, &err), 0);
}

static int extend(struct meta_lifecycle *t, const struct uuid *id, int64_t until_us)
{
	const uint8_t nonce[LEDGER_NONCE_SIZE] = { 1 }, leaf[SHA256_SIZE] = { 2 };
	int added = meta_lifecycle_extend(t, id, until_us, 9, "lock_days=4000", &err);

	if (added == 1)
		assert_ok(meta_lifecycle_fact(t, id, nonce, leaf, "fact", 4, &err));
	return added;
}

static void an_extension_is_said_once_with_its_fact(void **state)
{
	struct uuid ids[2] = { put(1, "3 a@example.org"), put(2, "3 a@example.org") };
	struct meta_lifecycle *t;
	int64_t until_us[2];

	(void)state;
	assert_ok(meta_lifecycle_begin(meta, WORKERD, &t, &err));
	assert_int_equal(extend(t, &ids[0], 100), 1);
	assert_int_equal(extend(t, &ids[0], 100), 0);
	assert_int_equal(extend(t, &ids[0], 300), 1);
	assert_int_equal(extend(t, &ids[0], 200), 1);
	assert_ok(meta_lifecycle_commit(&t, &err));
	assert_ok(meta_retention_extended(meta, ids, 2, until_us, &err));
	assert_int_equal(until_us[0], 300);
	assert_int_equal(until_us[1], 0);
	assert_ok(meta_lifecycle_begin(meta, WORKERD, &t, &err));
	assert_int_equal(meta_lifecycle_seq(t), 4);
	meta_lifecycle_rollback(&t);
	assert_int_equal(ledger_faults(), 0);
	assert_int_equal(raw_sql("capture.db", "INSERT INTO ledger_fact SELECT daemon, 9, message_id, nonce, leaf, record"
					       " FROM ledger_fact WHERE daemon = 'workerd@test' AND seq = 1"), 0);
	assert_int_equal(ledger_faults(), 1);
}

static void what_is_rolled_back_is_not_said(void **state)
{
	struct uuid id = put(3, "3 a@example.org");
	struct meta_lifecycle *t;
	int64_t until_us;

	(void)state;
	assert_ok(meta_lifecycle_begin(meta, "workerd@other", &t, &err));
	assert_int_equal(extend(t, &id, 100), 1);
	meta_lifecycle_rollback(&t);
	assert_ok(meta_retention_extended(meta, &id, 1, &until_us, &err));
	assert_int_equal(until_us, 0);
}

static void a_walk_goes_on_where_it_was(void **state)
{
	struct uuid ids[3] = { put(50, "3 w@example.org"), put(40, "3 w@example.org"), put(50, "6 w@example.org 3 v@example.org") };
	struct upkeep_walk w = { .name = "test", .about = 7, .mailbox = (char *)(uintptr_t)"w@example.org", .date_us = INT64_MIN };
	struct meta_lifecycle *t;
	struct uuid found[3];
	int64_t dates[3];
	size_t n;

	(void)state;
	assert_int_equal(meta_upkeep_walk(meta, "test", &w, &err), 0);
	assert_ok(meta_mailbox_walk(meta, &w, found, dates, 2, &n, &err));
	assert_int_equal(n, 2);
	assert_memory_equal(&found[0], &ids[1], UUID_SIZE);
	assert_memory_equal(&found[1], &ids[0], UUID_SIZE);
	w.date_us = dates[1];
	w.message_id = found[1];
	w.looked = 2;
	for (int i = 0; i < 2; i++) { /* kept, and kept again */
		assert_ok(meta_lifecycle_begin(meta, WORKERD, &t, &err));
		assert_ok(meta_lifecycle_walk(t, &w, &err));
		assert_ok(meta_lifecycle_commit(&t, &err));
	}
	struct upkeep_walk again;

	assert_int_equal(meta_upkeep_walk(meta, "test", &again, &err), 1);
	assert_int_equal(again.about, 7);
	assert_int_equal(again.looked, 2);
	assert_ok(meta_mailbox_walk(meta, &again, found, dates, 3, &n, &err));
	assert_int_equal(n, 1);
	assert_memory_equal(&found[0], &ids[2], UUID_SIZE);
	free(again.mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_revision_counts),
		cmocka_unit_test(an_extension_is_said_once_with_its_fact),
		cmocka_unit_test(what_is_rolled_back_is_not_said),
		cmocka_unit_test(a_walk_goes_on_where_it_was),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
