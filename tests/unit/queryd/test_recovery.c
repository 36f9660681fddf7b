/* Recovery codes: ten, all different, taken as people type them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/recovery.h"
#include "sys/qr_svg.h"

#include <string.h>

static void test_made(void **state)
{
	struct recovery_codes codes;
	uint8_t hash[SHA256_SIZE];

	(void)state;
	recovery_codes_make(&codes);
	for (size_t i = 0; i < FACTOR_RECOVERY_CODES; i++) {
		assert_int_equal(strlen(codes.texts[i]), RECOVERY_CODE_SIZE - 1);
		assert_int_equal(recovery_code_hash(codes.texts[i], hash), 0);
		assert_memory_equal(hash, codes.hashes[i], SHA256_SIZE);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(codes.texts[i], codes.texts[j]);
	}
	recovery_codes_wipe(&codes);
	assert_int_equal(codes.texts[0][0], 0);
}

static void test_typed(void **state)
{
	static const char *const none[] = { "", "-", "ABCD", "ABCD-EFGH-IJKL-MNO", "ABCD-EFGH-IJKL-MNOPQ", "ABCD-EFGH-IJKL-MN0P",
		"ABCD-EFGH-IJKL-MN1P", "ABCD_EFGH_IJKL_MNOP", "\303\204BCD-EFGH-IJKL-MNOP" };
	uint8_t one[SHA256_SIZE], other[SHA256_SIZE];

	(void)state;
	assert_int_equal(recovery_code_hash("ABCD-EFGH-IJKL-MNOP", one), 0);
	assert_int_equal(recovery_code_hash(" abcd efgh ijklmnop ", other), 0);
	assert_memory_equal(one, other, SHA256_SIZE);
	assert_int_equal(recovery_code_hash("ABCD-EFGH-IJKL-MNOQ", other), 0);
	assert_memory_not_equal(one, other, SHA256_SIZE);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(recovery_code_hash(none[i], other), -1);
}

static void test_picture(void **state)
{
	char long_text[4000];

	(void)state;
	_free_ char *svg = qr_svg("otpauth://totp/Strongroom:eve?secret=ABC&issuer=Strongroom");

	assert_non_null(svg);
	assert_int_equal(strncmp(svg, "<svg xmlns=", 11), 0);
	assert_string_equal(svg + strlen(svg) - 6, "</svg>");
	assert_null(strchr(svg, '&'));
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	assert_null(qr_svg(long_text));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_made), cmocka_unit_test(test_typed),
		cmocka_unit_test(test_picture) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
