#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parser/charset.h"
#include "parser/part.h"
#include "parser/read.h"
#include "parser/rfc2047.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

static struct span span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static void decodes(const char *charset, const char *bytes, const char *utf8, bool sure)
{
	struct text t = TEXT_INIT(10000);

	assert_int_equal(charset_add(&t, span_of(charset), span_of(bytes)), sure);
	assert_string_equal(t.out.data, utf8);
	buf_deinit(&t.out);
}

static void test_names_as_mail_writes_them(void **state)
{
	static const char *const japanese[] = {
		"shift_jis", "Shift-JIS", "x-sjis", "windows-31j", "cp932", "\"sjis\"" };
	static const char *const korean[] = {
		"ks_c_5601-1987", "euc-kr", "cp949", "windows-949", "ksc5601" };
	static const char *const latin[] = { "iso-8859-1", "ISO8859-1", "latin1", "windows-1252",
		"cp1252", "cp-1252", "win-1252", "ISO_8859-1", " 'iso-8859-1' " };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(japanese); i++)
		decodes(japanese[i], "\x93\xfa\x96\x7b\x87\x40", "日本①",
			true); /* ① is windows-31j's own */
	for (size_t i = 0; i < ARRAY_LEN(korean); i++)
		decodes(korean[i], "\xb0\xa1\x8c\x63", "가똠", true); /* 똠 is not in KS C 5601 */
	for (size_t i = 0; i < ARRAY_LEN(latin); i++)
		decodes(latin[i], "\x93gr\xfc\xdf\x94 5 \x80", "“grüß” 5 €", true);
	decodes("gb2312", "\xc4\xe3\x81\x40", "你丂", true); /* 丂 only in GBK */
	decodes("hz-gb-2312", "~{<:Ky2;~}", "己所不", true);
	decodes("iso-2022-jp", "\033$BF|K\\\033(B", "日本", true);
	decodes("iso-2022-jp", "\033$BF|\033(B\033$BK\\\033(B", "日本", true);
	decodes("big5", "\xa4\xa4\xa4\xe5", "中文", true);
	decodes("koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет", true);
	decodes("cp-850", "\x81", "ü", true);
	decodes("cp866", "\x8f", "П", true);
	decodes("iso-8859-8-i", "\xf9\xec\xe5\xed", "שלום", true);
	decodes("utf-7", "Hi +AOk-", "Hi é", true);
	decodes("utf8", "é", "é", true);
	decodes("macintosh", "\x8e", "é", true);
	/* ASCII is itself in most, in these it isn't */
	decodes("iso-8859-1", "plain", "plain", true);
	decodes("big5", "pl~+&\\in", "pl~+&\\in", true);
	decodes("hz-gb-2312", "~{VPND~} ~~", "中文 ~", true);
	decodes("utf-7", "a+-b", "a+b", true);
	decodes("iso-2022-kr", "\033$)C\016GQ\017 x", "한 x", true);
}

static void test_no_or_wrong_charset(void **state)
{
	(void)state;
	decodes("", "plain", "plain", true);
	decodes("", "déjà", "déjà", true);
	decodes("", "d\xe9j\xe0", "déjà", false);
	decodes("us-ascii", "déjà", "déjà", true);
	decodes("us-ascii", "d\xe9j\xe0", "déjà", false);
	decodes("utf-8", "caf\xe9 au lait", "café au lait", false);
	decodes("x-klingon", "caf\xe9", "café", false);
	decodes("unknown-8bit", "café", "café", false);
	decodes("", "\033$BF|K\\\033(B", "日本", false);
	decodes("iso-2022-jp", "\033$BF|K\\\033(B \xff", "日本 \xef\xbf\xbd", false);
	decodes("gb18030", "\x81", "\xef\xbf\xbd", false);
}

static void test_long_text_is_guessed_by_its_looks(void **state)
{
	struct text t = TEXT_INIT(10000);
	/* "Сообщение не было доставлено" in KOI8-R, twice */
	static const char russian[] = "\xf3\xcf\xcf\xc2\xdd\xc5\xce\xc9\xc5 \xce\xc5 "
				      "\xc2\xd9\xcc\xcf \xc4\xcf\xd3\xd4\xc1\xd7\xcc\xc5\xce\xcf "
				      "\xf3\xcf\xcf\xc2\xdd\xc5\xce\xc9\xc5 \xce\xc5 "
				      "\xc2\xd9\xcc\xcf \xc4\xcf\xd3\xd4\xc1\xd7\xcc\xc5\xce\xcf";

	(void)state;
	assert_false(charset_add(&t, span_of(""), span_of(russian)));
	assert_non_null(strstr(t.out.data, "Сообщение не было доставлено"));
	buf_deinit(&t.out);
}

static void decodes_n(const char *charset, const char *bytes, size_t n, const char *utf8, bool sure)
{
	struct text t = TEXT_INIT(10000);

	assert_int_equal(charset_add(&t, span_of(charset), (struct span){ bytes, n }), sure);
	assert_string_equal(t.out.data, utf8);
	buf_deinit(&t.out);
}

static void test_wide_text_in_either_order(void **state)
{
	(void)state;
	decodes_n("utf-16", "\0h\0i\0 \x65\xe5", 8, "hi 日", true);
	decodes_n("utf-16", "h\0i\0 \0\xe5\x65", 8, "hi 日", true);
	decodes_n("utf-16", "\xff\xfeh\0i\0", 6, "hi", true);
	decodes_n("utf-16", "\xfe\xff\0h\0i", 6, "hi", true);
	decodes_n("utf-16le", "h\0i\0", 4, "hi", true);
	decodes_n("utf-16", "\x65\xe5\x67\x2c", 4, "日本", true);
	decodes_n("utf-16", "plain caf\xc3\xa9", 11, "plain café", false); /* says so, and is not */
}

/* Whatever is converted at a time, no character is cut in two. */
static void test_long_text_is_whole(void **state)
{
	char japanese[2 * 5001 + 2] = "x";
	struct text t = TEXT_INIT(100000);

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		size_t n = shift;

		memset(japanese, 'x', shift);
		for (size_t i = 0; i < 5000; i++, n += 2)
			memcpy(japanese + n, "\x93\xfa", 2); /* 日 */
		t.out.len = 0;
		assert_true(charset_add(&t, span_of("shift_jis"), (struct span){ japanese, n }));
		assert_int_equal(t.out.len, shift + 3 * (size_t)5000);
		for (size_t i = shift; i < t.out.len; i += 3)
			assert_memory_equal(t.out.data + i, "日", 3);
	}
	buf_deinit(&t.out);
}

static void test_more_converters_than_are_kept(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++)
		for (int i = 1; i <= 16; i++) {
			_free_ char *name = mem_printf("iso-8859-%d", i);
			struct text t = TEXT_INIT(100);

			charset_add(&t, span_of(name), span_of("a\xe9"));
			assert_int_equal(t.out.data[0], 'a');
			buf_deinit(&t.out);
		}
}

static void test_limit_cuts_between_characters(void **state)
{
	(void)state;
	for (size_t max = 0; max < 12; max++) {
		struct text t = TEXT_INIT(max);

		charset_add(&t, span_of("utf-8"), span_of("aé日𝄞"));
		assert_int_equal(t.truncated, max < 10);
		assert_true(t.out.len <= max);
		assert_true(str_utf8_valid(t.out.data ? t.out.data : "", t.out.len));
		buf_deinit(&t.out);
	}
}

/* ---- iconv over ICU ---- */

static void test_iconv_stops_where_iconv_stops(void **state)
{
	iconv_t cd = iconv_open("UTF-8", "iso-2022-jp");
	char in[] = "\033$BF|K\\\033(B!\xff", out[64], *from = in, *to = out;
	size_t left = sizeof(in) - 1, room = sizeof(out);

	(void)state;
	assert_true(cd != (iconv_t)-1);
	assert_true(iconv(cd, &from, &left, &to, &room) == (size_t)-1);
	assert_int_equal(errno, EILSEQ);
	assert_int_equal(left, 1);
	assert_int_equal((unsigned char)*from, 0xff);
	assert_memory_equal(out, "日本!", 7);
	iconv_close(cd);
	assert_true(iconv_open("UTF-8", "x-klingon") == (iconv_t)-1);
}

static void test_iconv_any_room(void **state)
{
	static char in[] = "gr\xfc\xdf dich, \x80 5";
	static const char expected[] = "grüß dich, € 5";

	(void)state;
	for (size_t step = 6; step < 40; step++) {
		iconv_t cd = iconv_open("UTF-8//TRANSLIT", "iso-8859-1");
		char out[100] = { 0 }, *from = in, *to = out;
		size_t left = sizeof(in) - 1;

		while (left) {
			size_t room = step;

			if (iconv(cd, &from, &left, &to, &room) == (size_t)-1)
				assert_int_equal(errno, E2BIG);
		}
		assert_string_equal(out, expected);
		iconv_close(cd);
	}
}

/* ---- encoded words ---- */

static void words(const char *raw, const char *utf8)
{
	uint32_t flags = 0;
	_free_ char *decoded = rfc2047_decode(span_of(raw), &flags);

	assert_string_equal(decoded, utf8);
}

static void test_encoded_words(void **state)
{
	(void)state;
	words("plain", "plain");
	words("=?utf-8?q?J=C3=B6rg?= Test", "Jörg Test");
	words("a =?iso-8859-1?Q?b=E9?= c", "a bé c");
	words("=?utf-8?q?a?=  =?utf-8?q?b?=", "ab");
	words("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c");
	words("=?utf-8?q?a?=b=?utf-8?q?c?=", "abc");
	words("=?utf-8?b?w7w=?==?utf-8?b?w58=?=", "üß");
	words("=?utf-8?q?a_b=5F?=", "a b_");
	words("=?utf-8*en?q?a?=", "a");
	words("=?UTF-8?B?TXlTdXJ2ZXk=?= =?UTF-8?B?LmNvbTogIFk=?=",
		"MySurvey.com:  Y"); /* padded in the middle */
	words("=?utf-8?b?w?= =?utf-8?q?=BC?=",
		"¼"); /* the first has no byte to give, the second is no UTF-8 */
	words("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"); /* split within a character */
	words("=?gb2312?b?xA==?= =?gb2312?b?4w==?=", "你");
	words("=?iso-2022-jp?b?GyRCRnwbKEI=?= =?iso-2022-jp?b?GyRCS1wbKEI=?=", "日本");
	words("=?utf-8?q?what?_really?=", "what? really");
	words("=?utf-8?q?two words?=", "two words");
	words("=?utf-8?q?unclosed", "=?utf-8?q?unclosed");
	words("=?utf-8?x?odd?=", "=?utf-8?x?odd?=");
	words("=? =?utf-8?q?a?=", "=? a");
	words("=?utf-8?q?\?= =?utf-8?b?\?=", "");
	words("gr\xfc\xdf", "grüß");
	words("grüß =?koi8-r?q?=F7?=", "grüß В");
	words("=?x-klingon?q?nuq?=", "nuq");
	words("=?utf-8?q?=", "=?utf-8?q?=");
	words("=?", "=?");
	words("", "");
}

static void masks(const char *raw, const char *utf8)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };
	uint32_t flags = 0;
	_free_ char *masked = rfc2047_mask(&list, raw);
	_free_ char *decoded = rfc2047_unmask(&list, masked, &flags);

	assert_null(strstr(masked, "=?"));
	assert_string_equal(decoded, utf8);
}

static void test_masking(void **state)
{
	(void)state;
	masks("=?utf-8?q?Doe,_John?= <a@example.com>", "Doe, John <a@example.com>");
	masks("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü");
	masks("=!0!= =?utf-8?q?a?=", "aa"); /* who writes masks gets what they stand for */
	masks("=!7!= =!", "=!7!= =!");
}

/* ---- parts ---- */

static uint32_t text_of(
	char *type, char *charset, bool flowed, bool delsp, struct span bytes, const char *expected)
{
	struct media m = { .type = type, .charset = charset, .flowed = flowed, .delsp = delsp };
	struct text t = TEXT_INIT(10000);
	uint32_t flags = part_text(&t, &m, bytes);

	assert_string_equal(t.out.data, expected);
	buf_deinit(&t.out);
	return flags;
}

static void test_parts(void **state)
{
	char plain[] = "text/plain", html[] = "text/html", latin[] = "iso-8859-1", none[] = "";
	static const char utf16[] = "\xff\xfeh\0i\0\xe9";

	(void)state;
	text_of(plain, none, false, false, (struct span){ "a\0b", 3 }, "ab");
	text_of(plain, latin, false, false, (struct span){ utf16, 8 }, "hié");
	text_of(plain, latin, false, false, span_of("\xef\xbb\xbf" "é"), "é");
	/* labelled latin 1 but UTF-8: both */
	assert_true(text_of(plain, latin, false, false, span_of("é"), "Ã©\né") & PARSE_CHARSET);
	text_of(html, none, false, false, span_of("<meta charset='koi8-r'><p>\xf0"), "П\n");
	text_of(html, none, false, false,
		span_of("<META http-equiv=Content-Type content=\"text/html; "
			"charset=windows-1251\">\xcf"),
		"П\n");
	text_of(plain, none, true, false, span_of("a \r\nb\r\n c\r\n"), "a b\nc\n");
	text_of(plain, none, true, true, span_of("un \r\nbroken\r\n"), "unbroken\n");
	text_of(plain, none, true, false, span_of("> a \r\n> b\r\n>> c \r\nd\r\n-- \r\ne\r\n"),
		"> a b\n>> c \nd\n-- \ne\n");
	assert_true(text_of(plain, none, false, false, span_of("-----BEGIN PGP MESSAGE-----"),
			    "-----BEGIN PGP MESSAGE-----") &
		    PARSE_ENCRYPTED);
}

static int setup(void **state)
{
	(void)state;
	read_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_as_mail_writes_them),
		cmocka_unit_test(test_no_or_wrong_charset),
		cmocka_unit_test(test_long_text_is_guessed_by_its_looks),
		cmocka_unit_test(test_wide_text_in_either_order),
		cmocka_unit_test(test_long_text_is_whole),
		cmocka_unit_test(test_more_converters_than_are_kept),
		cmocka_unit_test(test_limit_cuts_between_characters),
		cmocka_unit_test(test_iconv_stops_where_iconv_stops),
		cmocka_unit_test(test_iconv_any_room),
		cmocka_unit_test(test_encoded_words),
		cmocka_unit_test(test_masking),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
