#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "milter/reconstruct.h"

#include <string.h>

struct field {
	const char *name, *value, *bytes;
};

static void expect_bytes(const struct field *f, bool leading_space)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);

	assert_int_equal(reconstruct_header(&b, f->name, f->value, leading_space), 0);
	assert_string_equal(b.data, f->bytes);
	assert_int_equal(b.len, strlen(f->bytes));
}

/* Values as Postfix and Sendmail give them with SMFIP_HDR_LEADSPC. */
static void test_spacing_and_folds_survive(void **state)
{
	static const struct field fields[] = {
		{ "Subject", " plain", "Subject: plain\r\n" },
		{ "Subject", "none", "Subject:none\r\n" },
		{ "Subject", "", "Subject:\r\n" },
		{ "Subject", " ", "Subject: \r\n" },
		{ "Subject", " tail \t ", "Subject: tail \t \r\n" },
		{ "X-A", " \t b\n c\n\td  ", "X-A: \t b\r\n c\r\n\td  \r\n" },
		{ "X-Fold", "\n folded at once", "X-Fold:\r\n folded at once\r\n" },
		{ "X-F2", " \n \n x", "X-F2: \r\n \r\n x\r\n" },
		{ "X-End", " ends with a fold\n ", "X-End: ends with a fold\r\n \r\n" },
		{ "X-8", " caf\xc3\xa9 \xe9", "X-8: caf\xc3\xa9 \xe9\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		expect_bytes(&fields[i], true);
}

static void test_crlf_folds_are_not_doubled(void **state)
{
	const struct field f = { "X-A", " b\r\n c\n\r\n d", "X-A: b\r\n c\r\n\r\n d\r\n" };

	(void)state;
	expect_bytes(&f, true);
}

static void test_bare_cr_stays(void **state)
{
	const struct field f = { "X-A", " a\rb\n c\r", "X-A: a\rb\r\n c\r\r\n" };

	(void)state;
	expect_bytes(&f, true);
}

static void test_old_protocol_gets_one_blank(void **state)
{
	const struct field f = { "Subject", "plain\n  two", "Subject: plain\r\n  two\r\n" };

	(void)state;
	expect_bytes(&f, false);
}

static void test_maximum_is_kept(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(reconstruct_header(&b, "Subject", " too long", true), -1);
	assert_true(b.len <= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spacing_and_folds_survive),
		cmocka_unit_test(test_crlf_folds_are_not_doubled),
		cmocka_unit_test(test_bare_cr_stays),
		cmocka_unit_test(test_old_protocol_gets_one_blank),
		cmocka_unit_test(test_maximum_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
