/* meta_signin: who is known from where, until when, and that nothing stays for ever. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/signin.h"

#define HOUR_US (3600 * CLOCK_SECOND)

static bool known(const char *name, int64_t now_us)
{
	int rc = meta_signin_known(meta, name, now_us, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	return rc;
}

static void note(const char *name, int64_t now_us, int64_t until_us)
{
	assert_ok(meta_signin_note(meta, name, now_us, until_us, &err));
}

static void test_known_until(void **state)
{
	(void)state;
	assert_false(known("a", 0));
	note("a", 0, HOUR_US);
	assert_true(known("a", 0));
	assert_true(known("a", HOUR_US - 1));
	assert_false(known("a", HOUR_US));
	assert_false(known("b", 0));
	note("a", 1, 2 * HOUR_US);
	note("a", 1, 2 * HOUR_US); /* again in the same moment */
	assert_true(known("a", 2 * HOUR_US - 1));
}

static void test_forgets(void **state)
{
	(void)state;
	note("old", 0, HOUR_US);
	note("lasting", 0, 10 * HOUR_US);
	note("new", 5 * HOUR_US, 6 * HOUR_US);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM signin_known WHERE name = 'old'"), 0);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM signin_known WHERE name = 'lasting'"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_until, open_meta, remove_directory),
		cmocka_unit_test_setup_teardown(test_forgets, open_meta, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
