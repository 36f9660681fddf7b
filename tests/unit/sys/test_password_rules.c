/* password_check: long enough, not known to everybody, more than a name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/password_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct password_rules rules = { .length_min = 12, .deny_file = "" };

static void taken(const char *username, const char *password)
{
	struct err e;

	if (password_check(&rules, username, password, &e) < 0)
		fail_msg("%s: %s", password, e.text);
}

static void refused(const char *username, const char *password, const char *why)
{
	struct err e;

	if (password_check(&rules, username, password, &e) == 0)
		fail_msg("taken: %s", password);
	assert_int_equal(e.class, ERR_PERMANENT);
	if (!strstr(e.text, why))
		fail_msg("%s: %s", password, e.text);
}

static void test_length(void **state)
{
	char longest[PASSWORD_BYTES_MAX + 2];

	(void)state;
	taken("ann", "correct horse battery staple");
	taken("ann", "kq7!vZ0#pL2x");
	refused("ann", "kq7!vZ0#pL2", "fewer than 12");
	refused("ann", "", "fewer than 12");
	taken("ann", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xa0\xc3\xb9\xc3\xa2\xc3\xaa\xc3\xae\xc3\xb4"); /* 12 of two bytes */
	refused("ann", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xa0\xc3\xb9\xc3\xa2\xc3\xaa\xc3\xae", "fewer than 12");
	refused("ann", "abcdefghijk\xff", "UTF-8");
	for (size_t i = 0; i <= PASSWORD_BYTES_MAX; i++)
		longest[i] = (char)('a' + i % 26);
	longest[PASSWORD_BYTES_MAX + 1] = '\0';
	refused("ann", longest, "more than");
	longest[PASSWORD_BYTES_MAX] = '\0';
	taken("ann", longest);
}

static void test_known(void **state)
{
	(void)state;
	refused("ann", "password1234", "tried first");
	refused("ann", "PassWord1234", "tried first");
	refused("ann", "qwertyuiopasdfghjkl", "tried first");
	refused("ann", "aaaaaaaaaaaaaaaa", "different");
	refused("ann", "121212121212", "different");
	taken("ann", "# passwords of twelve characters and more that everybody tries first");
}

static void test_names(void **state)
{
	(void)state;
	refused("margaret", "Margaret1234", "besides");
	refused("ann", "Strongroom2026", "besides");
	refused("margaret", "strongroommargaret", "besides");
	taken("margaret", "Margaret and 3 goats");
	taken("an", "kan7anvZ0#an"); /* too short a name to mean anything */
}

static void test_own_file(void **state)
{
	char path[] = "/tmp/test-deny-XXXXXX";
	int fd = mkstemp(path);
	struct err e;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "# ours\nExample Holdings 1987  \r\n", 32), 32);
	close(fd);
	rules.deny_file = path;
	refused("ann", "example holdings 1987", "tried first");
	taken("ann", "example holdings 1988");
	unlink(path);
	assert_int_equal(password_check(&rules, "ann", "example holdings 1988", &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	rules.deny_file = "";
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_length), cmocka_unit_test(test_known), cmocka_unit_test(test_names),
		cmocka_unit_test(test_own_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
