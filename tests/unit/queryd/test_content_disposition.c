/* File names come from whoever sent the mail: nothing of them gets out of the header field, or out of its directory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "queryd/content_disposition.h"

#include <stdio.h>
#include <string.h>

static void names_are(const char *name, const char *plain, const char *full)
{
	_free_ char *got = content_disposition_attachment(name, "attachment-0");
	_free_ char *want = mem_printf("attachment; filename=\"%s\"; filename*=UTF-8''%s", plain, full);

	assert_string_equal(got, want);
}

static void ordinary_names_stay(void **state)
{
	(void)state;
	names_are("report 2026.pdf", "report 2026.pdf", "report%202026.pdf");
	names_are("Gr\xc3\xbc\xc3\x9f" "e.txt", "Gr____e.txt", "Gr%C3%BC%C3%9Fe.txt");
	names_are("", "attachment-0", "attachment-0");
	names_are("\xff\xfe.txt", "attachment-0", "attachment-0");
}

static void nothing_gets_out_of_the_field(void **state)
{
	(void)state;
	names_are("a\r\nSet-Cookie: x=y", "a__Set-Cookie: x=y", "a%5F%5FSet-Cookie%3A%20x%3Dy");
	names_are("a\"; filename=\"b.exe", "a_; filename=_b.exe", "a%22%3B%20filename%3D%22b.exe");
	names_are("a%0d%0ab", "a_0d_0ab", "a%250d%250ab");
	names_are("a'b''c", "a'b''c", "a%27b%27%27c");
	names_are("a\x7f\x01z", "a__z", "a%5F%5Fz");
}

static void nothing_gets_out_of_the_directory(void **state)
{
	(void)state;
	names_are("../../etc/passwd", "passwd", "passwd");
	names_are("C:\\windows\\evil.exe", "evil.exe", "evil.exe");
	names_are("/", "attachment-0", "attachment-0");
	names_are("..", "attachment-0", "attachment-0");
	names_are(".bashrc", "bashrc", "bashrc");
}

static void no_name_is_shown_backwards(void **state)
{
	(void)state;
	names_are("invoice\xe2\x80\xae" "fdp.exe", "invoicefdp.exe", "invoicefdp.exe");
	names_are("\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8f.x\xe2\x80\xaa", "x", "x");
	names_are("\xe2\x80\xae", "attachment-0", "attachment-0");
	names_are("5\xe2\x82\xac \xe2\x80\x93 x", "5___ ___ x", "5%E2%82%AC%20%E2%80%93%20x");
}

static void long_names_are_cut_between_characters(void **state)
{
	char name[4 * CONTENT_DISPOSITION_NAME_MAX + 1] = "";

	(void)state;
	for (size_t i = 0; i < CONTENT_DISPOSITION_NAME_MAX; i++)
		strcat(name, "\xe2\x82\xac");
	_free_ char *got = content_disposition_attachment(name, "x");
	const char *full = strstr(got, "UTF-8''") + 7;

	assert_true(strlen(full) <= 3 * CONTENT_DISPOSITION_NAME_MAX && strlen(full) % 9 == 0);
	assert_int_equal(strspn(got, " !#$%&'*+-.^_`|~;=\"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), strlen(got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_names_stay),
		cmocka_unit_test(nothing_gets_out_of_the_field),
		cmocka_unit_test(nothing_gets_out_of_the_directory),
		cmocka_unit_test(no_name_is_shown_backwards),
		cmocka_unit_test(long_names_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
