/* A hold is placed once and lifted once; a message is held until it is released from the last one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/hold.h"
#include "meta/lifecycle.h"

static struct uuid place(enum hold_kind kind, const struct uuid *messages, size_t n)
{
	struct hold h = { .id = uuid_new(clock_now_us()), .name = (char *)(uintptr_t)"Fall Müller", .kind = kind,
		.scope = (char *)(uintptr_t)"{\"all_mailboxes\":true}", .query = (char *)(uintptr_t)"", .standing = true,
		.placed = { 11, 1, (char *)(uintptr_t)"a suit" } };

	assert_ok(meta_hold_place(meta, &h, messages, n, &err));
	return h.id;
}

static void placed_and_lifted_once(void **state)
{
	CLEANUP(hold_deinit) struct hold h = { 0 };
	CLEANUP(holds_deinit) struct holds list = { 0 };
	const struct hold_act over = { 22, 2, (char *)(uintptr_t)"settled" };
	struct uuid messages[2] = { uuid_new(clock_now_us()), uuid_new(clock_now_us()) }, found[2], none = { 0 };
	struct uuid first = place(HOLD_MESSAGES, messages, 2), second = place(HOLD_CUSTODIANS, NULL, 0);
	uint64_t before, after;
	size_t n;

	(void)state;
	assert_ok(meta_hold_version(meta, &before, &err));
	assert_int_equal(meta_hold_lift(meta, &first, &over, &err), 1);
	assert_int_equal(meta_hold_lift(meta, &first, &over, &err), 0);
	assert_ok(meta_hold_version(meta, &after, &err));
	assert_int_equal(after, before + 1);
	assert_int_equal(meta_hold_get(meta, &first, &h, &err), 1);
	assert_string_equal(h.name, "Fall Müller");
	assert_false(h.has_case);
	assert_true(h.standing);
	assert_int_equal(h.placed.at_us, 11);
	assert_string_equal(h.placed.reason, "a suit");
	assert_int_equal(h.lifted.account_id, 2);
	assert_string_equal(h.lifted.reason, "settled");
	assert_ok(meta_hold_messages(meta, &first, &none, found, 1, &n, &err));
	assert_int_equal(n, 1);
	assert_ok(meta_hold_messages(meta, &first, &found[0], &found[1], 2, &n, &err));
	assert_int_equal(n, 1);
	assert_memory_equal(found, messages, sizeof(messages));
	assert_ok(meta_hold_list(meta, &first, 10, &list, &err));
	assert_int_equal(list.n, 1);
	assert_memory_equal(&list.items[0].id, &second, UUID_SIZE);
	assert_int_equal(list.items[0].lifted.at_us, 0);
	assert_int_equal(meta_hold_get(meta, &none, &h, &err), 0);
}

static void say(const struct uuid *message, const struct uuid *hold, enum hold_event event, int expected)
{
	const struct message_hold which = { *message, *hold };
	struct meta_lifecycle *t;

	assert_ok(meta_lifecycle_begin(meta, "workerd@test", &t, &err));
	assert_int_equal(meta_lifecycle_hold(t, &which, event, 5, &err), expected);
	assert_ok(meta_lifecycle_hold_done(t, &which, &err));
	assert_ok(meta_lifecycle_commit(&t, &err));
}

static size_t holds_of(const struct uuid *message)
{
	struct message_holds list;

	assert_ok(meta_message_holds(meta, message, 1, &list, &err));
	free(list.items);
	return list.n;
}

static void held_until_released_from_the_last(void **state)
{
	struct uuid message = put(1, "3 a@example.org"), other = put(2, "3 a@example.org"), a = place(HOLD_CUSTODIANS, NULL, 0),
		    b = place(HOLD_CUSTODIANS, NULL, 0), found[2], none = { 0 };
	size_t n;

	(void)state;
	say(&message, &a, HOLD_PLACED, 1);
	say(&message, &a, HOLD_PLACED, 0);
	say(&message, &b, HOLD_PLACED, 1);
	say(&other, &a, HOLD_PLACED, 1);
	assert_int_equal(holds_of(&message), 2);
	assert_ok(meta_hold_members(meta, &a, &none, found, 2, &n, &err));
	assert_int_equal(n, 2);
	say(&message, &a, HOLD_LIFTED, 1);
	assert_int_equal(holds_of(&message), 1);
	assert_ok(meta_hold_members(meta, &a, &none, found, 2, &n, &err));
	assert_int_equal(n, 1);
	assert_memory_equal(&found[0], &other, UUID_SIZE);
	say(&message, &b, HOLD_LIFTED, 1);
	assert_int_equal(holds_of(&message), 0);
}

static void capture_holds_in_its_transaction(void **state)
{
	struct uuid id = uuid_new(clock_now_us()), hold = place(HOLD_CUSTODIANS, NULL, 0);
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 5, "3 a@example.org");
	uint8_t leaf[SHA256_SIZE];
	struct message_holds work;
	struct meta_capture *t;
	uint64_t seq;

	(void)state;
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(add_row_to(t, &r, leaf, &err));
	assert_ok(meta_capture_hold(t, &id, &hold, 1, &err));
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, 5, &err));
	assert_ok(meta_capture_commit(&t, &err));
	assert_int_equal(holds_of(&id), 1); /* before workerd has done anything */
	assert_ok(meta_hold_work(meta, 10, &work, &err));
	assert_int_equal(work.n, 1);
	assert_true(message_holds_has(&work, &id, &hold));
	free(work.items);
	say(&id, &hold, HOLD_PLACED, 1);
	assert_int_equal(holds_of(&id), 1);
	assert_ok(meta_hold_work(meta, 10, &work, &err));
	assert_int_equal(work.n, 0);
	free(work.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placed_and_lifted_once),
		cmocka_unit_test(held_until_released_from_the_last),
		cmocka_unit_test(capture_holds_in_its_transaction),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
