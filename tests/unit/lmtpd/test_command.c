#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lmtpd/command.h"

#include <string.h>

/* A line as the stream gives it. The buffer outlives the views. */
static char line[COMMAND_LINE_MAX];

static enum reply parse(struct command *c, const char *text)
{
	strcpy(line, text);
	return command_parse(c, line, strlen(line));
}

static void test_refuses_what_is_malformed(void **state)
{
	static const struct {
		const char *line;
		enum reply reply;
	} cases[] = {
		{ "", REPLY_UNKNOWN_COMMAND },
		{ "XYZZY", REPLY_UNKNOWN_COMMAND },
		{ "MAILFROM:<a@b>", REPLY_UNKNOWN_COMMAND },
		{ "EHLO a", REPLY_USE_LHLO },
		{ "HELP", REPLY_NOT_IMPLEMENTED },
		{ "LHLO", REPLY_ARGUMENT_MISSING },
		{ "DATA now", REPLY_ARGUMENT_UNEXPECTED },
		{ "QUIT\t", REPLY_BAD_LINE },
		{ "MAIL", REPLY_BAD_SENDER },
		{ "MAIL FROM", REPLY_BAD_SENDER },
		{ "MAIL FROM:", REPLY_BAD_SENDER },
		{ "MAIL FROM:a@b", REPLY_BAD_SENDER },
		{ "MAIL FROM:<a@b", REPLY_BAD_SENDER },
		{ "MAIL FROM:<a@b>x", REPLY_BAD_SENDER },
		{ "MAIL FROM:<a b@c>", REPLY_BAD_SENDER },
		{ "MAIL FROM:<a@b> SIZE", REPLY_BAD_PARAMETER },
		{ "MAIL FROM:<a@b> SIZE=-1", REPLY_BAD_PARAMETER },
		{ "MAIL FROM:<a@b> SIZE=1 SIZE=1", REPLY_BAD_PARAMETER },
		{ "MAIL FROM:<a@b> BODY=9BIT", REPLY_BAD_PARAMETER },
		{ "MAIL FROM:<a@b> SMTPUTF8=1", REPLY_BAD_PARAMETER },
		{ "MAIL FROM:<a@b> NOTIFY=NEVER", REPLY_UNKNOWN_PARAMETER },
		{ "MAIL FROM:<a@b> X=1", REPLY_UNKNOWN_PARAMETER },
		{ "MAIL FROM:<a@b> =1", REPLY_UNKNOWN_PARAMETER },
		{ "RCPT TO:<>", REPLY_BAD_RECIPIENT },
		{ "RCPT TO:<@a>", REPLY_BAD_RECIPIENT },
		{ "RCPT TO:<\"a>", REPLY_BAD_RECIPIENT },
		{ "RCPT TO:<a@b> SIZE=1", REPLY_UNKNOWN_PARAMETER },
		{ "BDAT", REPLY_BAD_CHUNK },
		{ "BDAT x", REPLY_BAD_CHUNK },
		{ "BDAT -1", REPLY_BAD_CHUNK },
		{ "BDAT 10 LAST LAST", REPLY_BAD_CHUNK },
		{ "BDAT 10 FIRST", REPLY_BAD_CHUNK },
		{ "BDAT 99999999999999999999", REPLY_BAD_CHUNK },
	};
	struct command c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (parse(&c, cases[i].line) != cases[i].reply)
			fail_msg("%s", cases[i].line);
}

static void test_takes_addresses_as_they_are(void **state)
{
	static const struct {
		const char *line, *address;
	} cases[] = {
		{ "MAIL FROM:<>", "" },
		{ "mail from:<a@b>", "a@b" },
		{ "MAIL  FROM: <a@b>  ", "a@b" },
		{ "MAIL FROM:<a@[IPv6:::1]>", "a@[IPv6:::1]" },
		{ "MAIL FROM:<@x,@y:a@b>", "a@b" },
		{ "MAIL FROM:<@x:a@[IPv6:::1]>", "a@[IPv6:::1]" },
		{ "RCPT TO:<Postmaster>", "Postmaster" },
		{ "RCPT TO:<\"a b>,@:c\"@d>", "\"a b>,@:c\"@d" },
		{ "RCPT TO:<\"a\\\"> b\"@d>", "\"a\\\"> b\"@d" },
		{ "RCPT TO:<a..b.@c>", "a..b.@c" },
		{ "RCPT TO:<jos\xc3\xa9@\xe4\xbe\x8b.test>", "jos\xc3\xa9@\xe4\xbe\x8b.test" },
		{ "RCPT TO:<\xff@b>", "\xff@b" },
	};
	struct command c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (parse(&c, cases[i].line) != REPLY_NONE)
			fail_msg("%s", cases[i].line);
		assert_string_equal(c.address, cases[i].address);
		assert_string_equal(c.args, "");
	}
}

static void test_reads_parameters(void **state)
{
	struct command c;

	(void)state;
	assert_int_equal(parse(&c,
		"MAIL FROM:<a@b> size=1000 BODY=BinaryMIME SMTPUTF8 AUTH=<> RET=HDRS"), REPLY_NONE);
	assert_int_equal(c.size, 1000);
	assert_int_equal(c.body, BODY_BINARYMIME);
	assert_true(c.utf8);
	assert_string_equal(c.args, "size=1000 BODY=BinaryMIME SMTPUTF8 AUTH=<> RET=HDRS");
	assert_int_equal(parse(&c, "MAIL FROM:<a@b> SIZE=99999999999999999999"), REPLY_NONE);
	assert_true(c.size == UINT64_MAX);
	assert_int_equal(parse(&c, "RCPT TO:<a@b> NOTIFY=NEVER ORCPT=rfc822;a@c"), REPLY_NONE);
	assert_string_equal(c.args, "NOTIFY=NEVER ORCPT=rfc822;a@c");
	assert_int_equal(parse(&c, "BDAT 0 last"), REPLY_NONE);
	assert_true(c.last && c.size == 0);
}

/* A NUL must not hide the rest of a line, and the verb is known all the same: BDAT has to hang
 * up. */
static void test_refuses_nul(void **state)
{
	char text[] = "BDAT 5\0 LAST";
	struct command c;

	(void)state;
	assert_int_equal(command_parse(&c, text, sizeof(text) - 1), REPLY_BAD_LINE);
	assert_int_equal(c.verb, VERB_BDAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_what_is_malformed),
		cmocka_unit_test(test_takes_addresses_as_they_are),
		cmocka_unit_test(test_reads_parameters),
		cmocka_unit_test(test_refuses_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
