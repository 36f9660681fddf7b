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

static void test_replies_stay_one_short_line(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
	char subject[3000];

	(void)state;
	memset(subject, 'a', sizeof(subject));
	subject[sizeof(subject) - 1] = '\0';
	assert_int_equal(reply_put(&out, REPLY_ARCHIVED, false, subject, "id"), 0);
	assert_true(out.len <= REPLY_LINE_MAX);
	assert_string_equal(out.data + out.len - 18, "a archived as id\r\n");
	buf_reset(&out);
	assert_int_equal(reply_put(&out, REPLY_ARCHIVED, false, "<a\r\n250 b>", "id"), 0);
	assert_string_equal(out.data, "250 2.0.0 <a??250 b> archived as id\r\n");
}

/* Cut between two characters, wherever that is. */
static void test_replies_stay_utf8(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
	char subject[3000] = "";

	(void)state;
	for (size_t shift = 0; shift < 2; shift++) {
		size_t n = shift;

		memset(subject, 'x', n);
		for (; n + 2 < sizeof(subject); n += 2)
			memcpy(subject + n, "\xc3\xa9", 3);
		buf_reset(&out);
		assert_int_equal(reply_put(&out, REPLY_FAILED, true, subject, NULL), 0);
		assert_non_null(strstr(out.data, "\xc3\xa9 Not"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_is_never_permanent),
		cmocka_unit_test(test_replies_stay_one_short_line),
		cmocka_unit_test(test_replies_stay_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
