/* A ticket is good for what it was made for, until its time is over, and can't be made up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/ticket.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1790000000000000)

static char dirs[2][64];
static struct secret_key *keys[2];

static int make_keys(void **state)
{
	struct err e;

	(void)state;
	for (int i = 0; i < 2; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), "/tmp/ticket-XXXXXX");
		if (!mkdtemp(dirs[i]) || secret_keys_create(dirs[i], &e) || secret_key_load(&keys[i], dirs[i], &e))
			return -1;
	}
	return 0;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int remove_keys(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		secret_key_freep(&keys[i]);
		nftw(dirs[i], drop, 8, FTW_DEPTH | FTW_PHYS);
	}
	return 0;
}

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
