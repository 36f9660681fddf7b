/* govern: what policies keep, and what is under which hold. */
#include "tests/unit/archive/fixture.h"

#include "archive/govern.h"
#include "archive/policy.h"
#include "meta/hold.h"
#include "meta/retention.h"

static void govern(void)
{
	atomic_bool stop = false;
	struct err e = { 0 };

	if (archive_govern(archive, 0, &stop, &e))
		fail_msg("archive_govern: %s", e.text);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARCHIVE_TEST(test_a_policy_is_stamped_and_keeps_older_mail_too),
		ARCHIVE_TEST(test_holds_are_put_on_and_taken_off),
		ARCHIVE_TEST(test_a_standing_query_finds_what_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
