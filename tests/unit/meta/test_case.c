/* For who is no member of a case there is none; the last member stays; what is noted stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/account.h"
#include "meta/case.h"

static uint64_t ann, bob;

static int fill(void **state)
{
	struct account_new a = { .username = "ann", .password_hash = "x", .totp_secret = "x", .totp_secret_length = 1,
		.scope = { .from_us = INT64_MIN, .until_us = INT64_MAX } };

	if (open_meta(state) || meta_account_add(meta, &a, &ann, &err))
		return -1;
	a.username = "bob";
	return meta_account_add(meta, &a, &bob, &err);
}

static struct uuid open_case(void)
{
	struct legal_case k = { .id = uuid_new(clock_now_us()), .name = (char *)(uintptr_t)"Müller",
		.description = (char *)(uintptr_t)"d", .opened = { 7, ann, (char *)(uintptr_t)"" } };

	assert_ok(meta_case_open(meta, &k, &err));
	return k.id;
}

static int sees(const struct uuid *id, uint64_t account_id)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };

	return meta_case_get(meta, id, account_id, &k, &err);
}

static void members_alone_see_it(void **state)
{
	const struct hold_act over = { 9, 1, (char *)(uintptr_t)"settled" };
	CLEANUP(legal_cases_deinit) struct legal_cases list = { 0 };
	struct uuid first = open_case(), second = open_case(), none = { 0 };

	(void)state;
	assert_int_equal(sees(&first, ann), 1);
	assert_int_equal(sees(&first, bob), 0);
	assert_int_equal(meta_case_dismiss(meta, &first, ann, &err), 0); /* the last one */
	assert_int_equal(meta_case_admit(meta, &first, 999, &err), 0);
	assert_int_equal(meta_case_admit(meta, &first, bob, &err), 1);
	assert_int_equal(meta_case_admit(meta, &first, bob, &err), 1);
	assert_int_equal(sees(&first, bob), 1);
	assert_int_equal(meta_case_dismiss(meta, &first, ann, &err), 1);
	assert_int_equal(sees(&first, ann), 0);
	assert_ok(meta_case_list(meta, ann, &none, 10, &list, &err));
	assert_int_equal(list.n, 1);
	assert_memory_equal(&list.items[0].id, &second, UUID_SIZE);
	assert_string_equal(list.items[0].name, "Müller");
	assert_int_equal(list.items[0].closed.at_us, 0);
	assert_int_equal(meta_case_close(meta, &second, &over, &err), 1);
	assert_int_equal(meta_case_close(meta, &second, &over, &err), 0);
}

static void notes_and_tags_in_their_order(void **state)
{
	struct uuid id = open_case(), message = uuid_new(clock_now_us()), none = { 0 };
	CLEANUP(case_notes_deinit) struct case_notes notes = { 0 };
	CLEANUP(case_tags_deinit) struct case_tags tags = { 0 }, rest = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct case_note note = { .id = uuid_new(clock_now_us()), .case_id = id, .has_message = i == 1,
			.message_id = message, .account_id = ann, .note = (char *)(uintptr_t)(i ? "two" : "one") };

		assert_ok(meta_case_note_add(meta, &note, &err));
	}
	assert_ok(meta_case_note_list(meta, &id, &none, 10, &notes, &err));
	assert_int_equal(notes.n, 2);
	assert_false(notes.items[0].has_message);
	assert_true(notes.items[1].has_message);
	assert_string_equal(notes.items[1].note, "two");
	for (int i = 0; i < 3; i++) {
		struct case_tag tag = { .case_id = id, .message_id = message, .tag = (char *)(uintptr_t)(i == 1 ? "b" : "a"),
			.account_id = bob, .at_us = 5 };

		assert_int_equal(meta_case_tag_add(meta, &tag, &err), i < 2);
	}
	assert_ok(meta_case_tag_list(meta, &id, &none, "", 1, &tags, &err));
	assert_int_equal(tags.n, 1);
	assert_string_equal(tags.items[0].tag, "a");
	assert_ok(meta_case_tag_list(meta, &id, &message, "a", 10, &rest, &err));
	assert_int_equal(rest.n, 1);
	assert_string_equal(rest.items[0].tag, "b");
	assert_int_equal(meta_case_tag_remove(meta, &id, &message, "a", &err), 1);
	assert_int_equal(meta_case_tag_remove(meta, &id, &message, "a", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_alone_see_it),
		cmocka_unit_test(notes_and_tags_in_their_order),
	};

	return cmocka_run_group_tests(tests, fill, remove_directory);
}
