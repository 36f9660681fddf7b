/* import_envelope: what a stored message says of its envelope, and that rubbish there does no harm. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/import_envelope.h"

#include <string.h>

/* "<mail from>: <recipients>" */
static char *envelope(const char *text, const char *sender, const char *given)
{
	struct capture c CLEANUP(capture_deinit) = { .message = message_new("/tmp", 1u << 20) };
	struct strv list CLEANUP(strv_deinit) = { 0 };
	struct err e;

	assert_int_equal(message_append(c.message, text, strlen(text), &e), 0);
	assert_int_equal(message_finish(c.message, &e), 0);
	if (given)
		capture_add_recipient(&c, given, NULL);
	import_envelope_read(&c, sender);
	for (size_t i = 0; i < c.recipient_count; i++)
		strv_add(&list, c.recipients[i].address);
	_free_ char *recipients = strv_join(&list, " ");

	return mem_printf("%s: %s", c.mail_from, recipients);
}

static void is(const char *text, const char *sender, const char *expected)
{
	_free_ char *got = envelope(text, sender, NULL);

	assert_string_equal(got, expected);
}

static void test_header_fields(void **state)
{
	(void)state;
	is("Return-Path: <a@example.org>\nDelivered-To: b@example.org\nX-Original-To: c@example.org\n"
	   "delivered-to:\td@example.org\r\nDelivered-To: b@example.org\n\nDelivered-To: body@example.org\n",
		"from-line@example.org", "a@example.org: b@example.org c@example.org d@example.org");
	is("Return-Path: <>\n\n", "x@y", ": ");
	is("Subject: x\n\n", "x@y", "x@y: ");
	is("Subject: x\n Return-Path: <folded@example.org>\n\n", "", ": ");
	is("Return-Path:\n <folded@example.org>\n\n", "", "folded@example.org: ");
	is("Return-Path: <first@x>\nReturn-Path: <second@x>\n\n", "", "first@x: ");
}

static void test_given_recipients_stand(void **state)
{
	_free_ char *got = envelope("Delivered-To: b@example.org\n\n", "", "given@example.org");
	(void)state;

	assert_string_equal(got, ": given@example.org");
}

static void test_rubbish(void **state)
{
	char text[4096] = "Delivered-To: <";
	(void)state;

	memset(text + 15, 'x', 400);
	memcpy(text + 415, ">\n\n", 4);
	is(text, "", ": ");
	is("Return-Path: <a b@x>\nReturn-Path: <\x01@x>\nReturn-Path: <\xff@x>\n", "s@x", "s@x: ");
	is("Delivered-To:", "", ": ");
	is("Delivered-To: \n", "", ": ");
	is("Delivered-To: <unclosed@x\n", "", ": <unclosed@x");
	is("no header at all", "", ": ");
	is("\nDelivered-To: body@x\n", "", ": ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_fields),
		cmocka_unit_test(test_given_recipients_stand),
		cmocka_unit_test(test_rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
