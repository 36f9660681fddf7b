/* A ticket is good for what it was made for, until its time is over, and can't be made up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/ticket.h"
#include "tests/unit/queryd/two_keys.h"

#include <string.h>

#define NOW INT64_C(1790000000000000)

static const struct ticket given = { .account_id = UINT64_C(0x1122334455667788), .session_id = { .bytes = { 1, 2, 255 } },
	.until_us = NOW + TICKET_US };

static void a_ticket_says_whose_it_is(void **state)
{
	char text[TICKET_TEXT_SIZE];
	struct ticket t;

	(void)state;
	ticket_format(text, keys[0], "email/1", &given);
	assert_int_equal(text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")], '\0');
	assert_int_equal(ticket_parse(&t, keys[0], "email/1", text, NOW), 0);
	assert_true(t.account_id == given.account_id && t.until_us == given.until_us);
	assert_memory_equal(&t.session_id, &given.session_id, sizeof(t.session_id));
}

static void it_is_good_for_one_thing_and_time_and_key(void **state)
{
	char text[TICKET_TEXT_SIZE];
	struct ticket t;

	(void)state;
	ticket_format(text, keys[0], "email/1", &given);
	assert_int_equal(ticket_parse(&t, keys[0], "email/1", text, given.until_us - 1), 0);
	assert_int_equal(ticket_parse(&t, keys[0], "email/1", text, given.until_us), -1);
	assert_int_equal(ticket_parse(&t, keys[0], "email/2", text, NOW), -1);
	assert_int_equal(ticket_parse(&t, keys[0], "email/", text, NOW), -1);
	assert_int_equal(ticket_parse(&t, keys[1], "email/1", text, NOW), -1);
}

static void nothing_in_it_can_be_changed(void **state)
{
	char text[TICKET_TEXT_SIZE], other[TICKET_TEXT_SIZE + 1];
	struct ticket t;

	(void)state;
	ticket_format(text, keys[0], "email/1", &given);
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		strcpy(other, text);
		other[i] = other[i] == 'A' ? 'B' : 'A';
		assert_int_equal(ticket_parse(&t, keys[0], "email/1", other, NOW), -1);
		strcpy(other, text);
		other[i] = '\0';
		assert_int_equal(ticket_parse(&t, keys[0], "email/1", other, NOW), -1);
	}
	snprintf(other, sizeof(other), "%sA", text);
	assert_int_equal(ticket_parse(&t, keys[0], "email/1", other, NOW), -1);
	assert_int_equal(ticket_parse(&t, keys[0], "email/1", "not base64!", NOW), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_says_whose_it_is),
		cmocka_unit_test(it_is_good_for_one_thing_and_time_and_key),
		cmocka_unit_test(nothing_in_it_can_be_changed),
	};

	return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
