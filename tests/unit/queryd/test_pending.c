/* A token of the password step is good for one sign-in, a few tries and a short time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "queryd/pending.h"

#include <string.h>

static bool try(struct pending *p, const char *token, int64_t now)
{
	uint64_t account = 0, generation = 0;
	bool good = pending_try(p, token, now, &account, &generation);

	if (good) {
		assert_int_equal(account, 7);
		assert_int_equal(generation, 2);
	}
	return good;
}

static void test_single_use(void **state)
{
	CLEANUP(pending_freep) struct pending *p = pending_new();
	char token[PENDING_TOKEN_SIZE], other[PENDING_TOKEN_SIZE];

	(void)state;
	pending_add(p, 7, 2, 0, token);
	pending_add(p, 7, 2, 0, other);
	assert_int_equal(strlen(token), 64);
	assert_string_not_equal(token, other);
	assert_true(try(p, token, 1));
	assert_true(pending_finish(p, token));
	assert_false(pending_finish(p, token));
	assert_false(try(p, token, 1));
	assert_true(try(p, other, 1));
}

static void test_tries(void **state)
{
	CLEANUP(pending_freep) struct pending *p = pending_new();
	char token[PENDING_TOKEN_SIZE];

	(void)state;
	pending_add(p, 7, 2, 0, token);
	for (int i = 0; i < PENDING_TRIES_MAX; i++)
		assert_true(try(p, token, 1));
	assert_false(try(p, token, 1));
	assert_false(pending_finish(p, token));
}

static void test_time(void **state)
{
	CLEANUP(pending_freep) struct pending *p = pending_new();
	char token[PENDING_TOKEN_SIZE];

	(void)state;
	pending_add(p, 7, 2, 0, token);
	assert_true(try(p, token, PENDING_LIFE_S * CLOCK_SECOND - 1));
	assert_false(try(p, token, PENDING_LIFE_S * CLOCK_SECOND));
}

static void test_unknown(void **state)
{
	CLEANUP(pending_freep) struct pending *p = pending_new();
	char zeros[PENDING_TOKEN_SIZE];

	(void)state;
	memset(zeros, '0', sizeof(zeros));
	zeros[PENDING_TOKEN_SIZE - 1] = '\0';
	assert_false(try(p, "", 1));
	assert_false(try(p, zeros, 1));
	assert_false(pending_finish(p, zeros));
}

/* The table is bounded; the oldest goes. */
static void test_full(void **state)
{
	CLEANUP(pending_freep) struct pending *p = pending_new();
	char first[PENDING_TOKEN_SIZE], second[PENDING_TOKEN_SIZE], token[PENDING_TOKEN_SIZE];

	(void)state;
	pending_add(p, 7, 2, 0, first);
	pending_add(p, 7, 2, 0, second);
	for (int i = 1; i < PENDING_MAX; i++)
		pending_add(p, 7, 2, 0, token);
	assert_false(try(p, first, 1));
	assert_true(try(p, second, 1));
	assert_true(try(p, token, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_use), cmocka_unit_test(test_tries), cmocka_unit_test(test_time),
		cmocka_unit_test(test_unknown),	   cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
