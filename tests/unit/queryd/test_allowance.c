/* What was taken in advance of a shared count is used up, and no more; each window is new. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/allowance.h"

#include <stdio.h>
#include <string.h>

static void test_parts(void **state)
{
	(void)state;
	assert_int_equal(allowance_part(1), 1);
	assert_int_equal(allowance_part(63), 1);
	assert_int_equal(allowance_part(6400), 100);
}

static void test_uses_what_was_added(void **state)
{
	CLEANUP(allowances_freep) struct allowances *a = allowances_new();

	(void)state;
	assert_int_equal(allowance_use(a, "x", 1), ALLOWANCE_ASK);
	allowance_add(a, "x", 1, 2, false);
	assert_int_equal(allowance_use(a, "y", 1), ALLOWANCE_ASK);
	assert_int_equal(allowance_use(a, "x", 1), ALLOWANCE_TAKEN);
	assert_int_equal(allowance_use(a, "x", 1), ALLOWANCE_TAKEN);
	assert_int_equal(allowance_use(a, "x", 1), ALLOWANCE_ASK);
}

static void test_spent_until_the_next_window(void **state)
{
	CLEANUP(allowances_freep) struct allowances *a = allowances_new();

	(void)state;
	allowance_add(a, "x", 1, 1, true);
	assert_int_equal(allowance_use(a, "x", 1), ALLOWANCE_TAKEN);
	assert_int_equal(allowance_use(a, "x", 1), ALLOWANCE_SPENT);
	assert_int_equal(allowance_use(a, "x", 1), ALLOWANCE_SPENT);
	assert_int_equal(allowance_use(a, "x", 2), ALLOWANCE_ASK);
}

/* What is left of a window is gone with it. */
static void test_nothing_is_carried_over(void **state)
{
	CLEANUP(allowances_freep) struct allowances *a = allowances_new();

	(void)state;
	allowance_add(a, "x", 1, 100, false);
	assert_int_equal(allowance_use(a, "x", 2), ALLOWANCE_ASK);
}

static void test_many_names(void **state)
{
	CLEANUP(allowances_freep) struct allowances *a = allowances_new();
	char name[ALLOWANCE_NAME_SIZE];

	(void)state;
	for (int i = 0; i < 3 * ALLOWANCES_MAX; i++) {
		snprintf(name, sizeof(name), "use:search:%d", i);
		allowance_add(a, name, 1, 1, false);
		assert_int_equal(allowance_use(a, name, 1), ALLOWANCE_TAKEN);
		assert_int_equal(allowance_use(a, name, 1), ALLOWANCE_ASK);
	}
}

/* It is never taken for the name that it begins with. */
static void test_long_names(void **state)
{
	CLEANUP(allowances_freep) struct allowances *a = allowances_new();
	char name[2 * ALLOWANCE_NAME_SIZE];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	allowance_add(a, name, 1, 5, true);
	assert_int_equal(allowance_use(a, name, 1), ALLOWANCE_ASK);
	name[ALLOWANCE_NAME_SIZE - 1] = '\0';
	assert_int_equal(allowance_use(a, name, 1), ALLOWANCE_ASK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_uses_what_was_added),
		cmocka_unit_test(test_spent_until_the_next_window),
		cmocka_unit_test(test_nothing_is_carried_over),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
