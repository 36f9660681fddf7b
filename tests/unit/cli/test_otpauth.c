/* otpauth: RFC 4648's vectors, names in URLs, and a QR code of the right shape. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/otpauth.h"

#include <string.h>

static void test_base32(void **state)
{
	static const struct {
		const char *plain, *coded;
	} vectors[] = { { "", "" }, { "f", "MY" }, { "fo", "MZXQ" }, { "foo", "MZXW6" }, { "foob", "MZXW6YQ" },
		{ "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI" } };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		_free_ char *got = otpauth_base32((const uint8_t *)vectors[i].plain, strlen(vectors[i].plain));

		assert_string_equal(got, vectors[i].coded);
	}
	static const uint8_t high[20] = { [0] = 0xff, [19] = 0xff };
	_free_ char *got = otpauth_base32(high, sizeof(high));

	assert_string_equal(got, "74AAAAAAAAAAAAAAAAAAAAAAAAAAAAH7");
}

static void test_url(void **state)
{
	_free_ char *url = otpauth_url("j\xc3\xb6rg@example.org", (const uint8_t *)"12345678901234567890", 20);
	(void)state;

	assert_string_equal(url, "otpauth://totp/Strongroom:j%C3%B6rg%40example.org?"
				 "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Strongroom");
}

/* Finder patterns stand in three corners: 7 dark modules in the first line behind the quiet zone. */
static void test_qr_code(void **state)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	(void)state;

	assert_int_equal(otpauth_draw("otpauth://totp/x?secret=y", f), 0);
	fclose(f);
	_free_ char *drawn = text;
	const char *first = strchr(drawn, '\n') + 1;

	assert_non_null(strstr(drawn, "\033[40;97m\xe2\x96\x88"));
	assert_int_equal(strncmp(first, "\033[40;97m\xe2\x96\x88\xe2\x96\x88 \xe2\x96\x84\xe2\x96\x84\xe2\x96\x84"
					"\xe2\x96\x84\xe2\x96\x84 \xe2\x96\x88", 8 + 6 + 1 + 15 + 1 + 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base32),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_qr_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
