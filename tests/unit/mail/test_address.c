#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "mail/address.h"

#include <string.h>

static void same(const char *a, const char *b)
{
	_free_ char *x = address_normalize(a);
	_free_ char *y = address_normalize(b);

	assert_string_equal(x, y);
}

static void is(const char *raw, const char *normal)
{
	_free_ char *x = address_normalize(raw);
	_free_ char *again = address_normalize(x);

	assert_string_equal(x, normal);
	assert_string_equal(again, normal);
}

static void test_ascii(void **state)
{
	(void)state;
	is("Alice@Example.ORG", "alice@example.org");
	is("<Alice@Example.ORG>", "alice@example.org");
	is("  < alice@example.org > ", "alice@example.org");
	is("@a.example,@b.example:alice@example.org", "alice@example.org");
	is("alice@example.org.", "alice@example.org");
	is("alice@[192.0.2.1]", "alice@[192.0.2.1]");
	is("postmaster", "postmaster");
	is("", "");
	is("<>", "");
	is("@", "@");
}

static void test_quoted_local_part(void **state)
{
	(void)state;
	is("\"a.b\"@example.org", "a.b@example.org");
	is("\"a b\"@example.org", "\"a b\"@example.org");
	is("\"a@b\"@example.org", "\"a@b\"@example.org");
	is("\"a..b\"@example.org", "\"a..b\"@example.org");
	is("\"\"@example.org", "\"\"@example.org");
	is("\"@example.org", "\"@example.org");
}

static void test_international(void **state)
{
	(void)state;
	is("info@Bücher.example", "info@xn--bcher-kva.example");
	same("info@xn--bcher-kva.example", "info@BÜCHER.example");
	is("info@faß.example",
		"info@xn--fa-hia.example"); /* not faß -> fass: UTS 46, non-transitional */
	same("STRASSE@example.org", "straße@example.org");
	same("jo\xc3\xbcrg@example.org", "jou\xcc\x88rg@example.org"); /* composed and not */
	same("\xce\xa3\xce\x91\xce\xa3@example.org", "\xcf\x83\xce\xb1\xcf\x82@example.org");
	same("用户@例え。テスト", "用户@例え.テスト");
}

static void test_any_bytes(void **state)
{
	(void)state;
	static const char *const raw[] = { "\xff\xfe@\xff.example", "a@\xc3",
		"\xed\xa0\x80@example.org", "a@-\xc3\xbc-.example" };

	for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
		_free_ char *x = address_normalize(raw[i]);

		assert_true(str_utf8_valid(x, strlen(x)));
	}
	_free_ char *label = mem_alloc(100002, 1);

	memset(label, 'a', 100000);
	memcpy(label + 50000, "@\xc3\xbc", 3);
	_free_ char *x = address_normalize(label);

	assert_int_equal(strlen(x), 100000); /* no valid domain: kept, lower-cased */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_quoted_local_part),
		cmocka_unit_test(test_international),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
