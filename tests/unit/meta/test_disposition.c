/* What has expired is what nothing keeps; who has proposed that it be removed does not decide on it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/disposition.h"
#include "meta/lifecycle.h"

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static struct uuid propose(uint64_t account_id)
{
	struct disposition d = { .id = uuid_new(clock_now_us()), .scope = text("{\"all_mailboxes\":true}"), .expired_by_us = 77,
		.proposed = { 11, account_id, text("over") } };

	assert_ok(meta_disposition_propose(meta, &d, &err));
	return d.id;
}

static int decide(const struct uuid *id, bool approved, uint64_t account_id)
{
	const struct hold_act act = { 22, account_id, text("so be it") };

	return meta_disposition_decide(meta, id, approved, &act, &err);
}

static void two_people(void **state)
{
	CLEANUP(disposition_deinit) struct disposition d = { 0 }, rejected = { 0 };
	CLEANUP(dispositions_deinit) struct dispositions list = { 0 };
	struct uuid first = propose(1), second = propose(1), none = { 0 };

	(void)state;
	assert_int_equal(decide(&first, true, 1), 0);
	assert_int_equal(decide(&first, false, 1), 0);
	assert_int_equal(meta_disposition_get(meta, &first, &d, &err), 1);
	assert_int_equal(d.decided.at_us, 0);
	assert_false(d.approved);
	disposition_deinit(&d);
	assert_int_equal(decide(&first, true, 2), 1);
	assert_int_equal(decide(&first, false, 2), 0);
	assert_int_equal(decide(&first, false, 3), 0);
	assert_int_equal(decide(&second, false, 2), 1);
	assert_int_equal(decide(&second, true, 3), 0);
	assert_int_equal(meta_disposition_get(meta, &first, &d, &err), 1);
	assert_true(d.approved);
	assert_int_equal(d.expired_by_us, 77);
	assert_int_equal(d.proposed.account_id, 1);
	assert_int_equal(d.decided.account_id, 2);
	assert_string_equal(d.decided.reason, "so be it");
	assert_int_equal(meta_disposition_get(meta, &second, &rejected, &err), 1);
	assert_int_equal(rejected.decided.at_us, 22);
	assert_false(rejected.approved);
	assert_ok(meta_disposition_list(meta, &first, 10, &list, &err));
	assert_int_equal(list.n, 1);
	assert_memory_equal(&list.items[0].id, &second, UUID_SIZE);
	assert_int_equal(meta_disposition_get(meta, &none, &d, &err), 0);
}

/* A decision without a proposal is none, and who has decided once does so for good: behind meta's back, too. */
static void the_database_sees_to_it(void **state)
{
	struct uuid id = propose(1);

	(void)state;
	assert_int_not_equal(raw_sql("control.db", "INSERT INTO disposition_event SELECT disposition_id, 2, 1, 1, account_id, 'x'"
						   " FROM disposition_event p WHERE NOT EXISTS (SELECT 1 FROM"
						   " disposition_event d WHERE d.disposition_id = p.disposition_id"
						   " AND d.step = 2)"), 0);
	assert_int_equal(decide(&id, true, 2), 1);
	assert_int_not_equal(raw_sql("control.db", "INSERT INTO disposition_event SELECT disposition_id, 3, 1, 1, account_id, 'x'"
						   " FROM disposition_event WHERE step = 1"), 0);
	assert_int_not_equal(raw_sql("control.db", "UPDATE disposition_event SET account_id = 9"), 0);
}

static void extend(const struct uuid *id, int64_t until_us)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;

	assert_ok(meta_lifecycle_begin(meta, "worker", &l, &err));
	assert_int_equal(meta_lifecycle_extend(l, id, until_us, until_us, "x", &err), 1);
	assert_ok(meta_lifecycle_commit(&l, &err));
}

static void hold(const struct uuid *id, const struct uuid *by, enum hold_event event)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;
	const struct message_hold which = { *id, *by };

	assert_ok(meta_lifecycle_begin(meta, "worker", &l, &err));
	assert_int_equal(meta_lifecycle_hold(l, &which, event, 5, &err), 1);
	assert_ok(meta_lifecycle_commit(&l, &err));
}

static size_t expired(int64_t by_us, struct expired_messages *list)
{
	const struct uuid none = { 0 };

	assert_ok(meta_expired_list(meta, &none, by_us, list, &err));
	assert_true(list->end);
	return list->n;
}

static void expired_is_what_nothing_keeps(void **state)
{
	const int64_t start = INT64_C(1600000000) * CLOCK_SECOND, day = 86400 * CLOCK_SECOND;
	struct expired_messages *list = MEM_NEW(struct expired_messages);
	struct uuid over = archive_kept(start, start + day), kept = archive_kept(start, start + 9 * day), longer = archive_kept(start, start + day),
		    held = archive_kept(start, start + day), by = uuid_new(start);

	(void)state;
	archive_kept(start + 5 * day, start + 4 * day); /* as nothing is: kept for less than no time */
	extend(&longer, start + 3 * day);
	hold(&held, &by, HOLD_PLACED);
	assert_int_equal(expired(start + day - 1, list), 0);
	assert_int_equal(expired(start + 2 * day, list), 1);
	assert_memory_equal(&list->items[0].id, &over, UUID_SIZE);
	assert_int_equal(list->items[0].retain_until_us, start + day);
	assert_int_equal(expired(start + 3 * day, list), 2);
	hold(&held, &by, HOLD_LIFTED);
	assert_int_equal(expired(start + 3 * day, list), 3);
	assert_int_equal(expired(start + 4 * day, list), 3);
	assert_ok(meta_expired_list(meta, &held, start + 9 * day, list, &err));
	assert_int_equal(list->n, 1); /* what comes behind */
	assert_int_equal(expired(start + 9 * day, list), 5);
	assert_memory_equal(&list->items[1].id, &kept, UUID_SIZE);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_people),
		cmocka_unit_test(the_database_sees_to_it),
		cmocka_unit_test(expired_is_what_nothing_keeps),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
