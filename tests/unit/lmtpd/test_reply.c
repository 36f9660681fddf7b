#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lmtpd/reply.h"

#include <string.h>

/* "4" or "4.": nothing is permanent at the end of a journal, by either code. */
static void test_journal_is_never_permanent(void **state)
{
	(void)state;
	for (enum reply r = REPLY_NONE; r < REPLY_COUNT; r++) {
		const char *code = reply_code(r, false), *journal = reply_code(r, true);

		assert_true(strlen(journal) == 3 || journal[0] == journal[4]);
		if (code[0] == '5')
			assert_int_equal(journal[0], '4');
		else
			assert_string_equal(journal, code);
		if (reply_remedy(r))
			assert_int_equal(code[0], '5');
	}
	assert_non_null(reply_remedy(REPLY_TOO_LARGE));
}

/* The subject gives way, at the border of a character, and never breaks the line. */
static void test_long_and_odd_subjects(void **state)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(4096);
	char subject[1001];

	(void)state;
	for (size_t i = 0; i < sizeof(subject) - 1; i += 2)
		memcpy(subject + i, "\xc3\xa9", 2);
	subject[sizeof(subject) - 1] = '\0';
	assert_int_equal(reply_put(&line, REPLY_TOO_LARGE, false, subject, "100"), 0);
	assert_true(line.len <= REPLY_LINE_MAX && line.len > REPLY_LINE_MAX - 4);
	assert_non_null(strstr(line.data, "\xc3\xa9 Message too large, the limit in bytes is 100\r\n"));
	buf_reset(&line);
	assert_int_equal(reply_put(&line, REPLY_ARCHIVED, true, "<a\r\nb>", NULL), 0);
	assert_string_equal(line.data, "250 2.0.0 <a??b> archived as\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_is_never_permanent),
		cmocka_unit_test(test_long_and_odd_subjects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
