/* The base library where a slip would break a promise: limits of buffers, strictness of readers, order of ids. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/pack.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/uuid.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

static void buf_never_passes_its_maximum(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(buf_add_str(&b, "12345678"), 0);
	assert_int_equal(buf_add_str(&b, "abc"), -1);
	assert_string_equal(b.data, "12345678");
	assert_int_equal(buf_printf(&b, "%d", 90), 0);
	assert_int_equal(buf_add_char(&b, 'x'), -1);
	assert_string_equal(b.data, "1234567890");
	buf_consume(&b, 8);
	assert_string_equal(b.data, "90");
}

static void buf_take_of_nothing_is_an_empty_string(void **state)
{
	struct buf b = BUF_INIT(10);
	_free_ char *taken = buf_take(&b);

	(void)state;
	assert_string_equal(taken, "");
}

static void hex_refuses_what_is_not_exact(void **state)
{
	uint8_t bytes[2];

	(void)state;
	assert_int_equal(hex_decode(bytes, 2, "00fF"), 0);
	assert_int_equal(bytes[1], 0xff);
	assert_int_equal(hex_decode(bytes, 2, "00f"), -1);
	assert_int_equal(hex_decode(bytes, 2, "00ff0"), -1);
	assert_int_equal(hex_decode(bytes, 2, "00fg"), -1);
}

static void clock_reads_what_it_writes(void **state)
{
	static const int64_t moments[] = { 0, 1, -1, 951782400000000, 1790000000123456, -2208988800000000, 253402300799000000 };
	char text[CLOCK_TEXT_SIZE];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		assert_int_equal(clock_parse(&us, clock_format(text, moments[i])), 0);
		assert_int_equal(us, moments[i]);
	}
}

static void clock_parses_rfc3339_and_refuses_the_rest(void **state)
{
	static const char *const bad[] = { "", "2026", "2026-13-01", "2026-02-29", "2026-01-01T", "2026-01-01T00:00:00",
		"2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00Z ", "x",
		"9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01", "10000-01-01" };
	int64_t us, other;

	(void)state;
	assert_int_equal(clock_parse(&us, "2026-01-01T01:30:00+01:30"), 0);
	assert_int_equal(clock_parse(&other, "2026-01-01"), 0);
	assert_int_equal(us, other);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(clock_parse(&us, bad[i]), -1);
}

#define IDS_EACH 20000
static struct uuid ids[2][IDS_EACH];

static void *make_ids(void *out)
{
	struct uuid *list = out;

	for (int i = 0; i < IDS_EACH; i++)
		list[i] = uuid_new(1790000000000000 - i * 100); /* a clock that runs backwards */
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_SIZE);
}

static void uuid_rises_strictly_in_all_threads(void **state)
{
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, make_ids, ids[1]), 0);
	make_ids(ids[0]);
	pthread_join(other, NULL);
	for (int i = 1; i < IDS_EACH; i++)
		assert_true(compare_ids(&ids[0][i - 1], &ids[0][i]) < 0 && compare_ids(&ids[1][i - 1], &ids[1][i]) < 0);
	qsort(ids, sizeof(ids) / UUID_SIZE, UUID_SIZE, compare_ids);
	for (size_t i = 1; i < sizeof(ids) / UUID_SIZE; i++)
		assert_true(compare_ids(&ids[0][0] + i - 1, &ids[0][0] + i) < 0);
}

static void uuid_text_is_exact(void **state)
{
	char text[UUID_TEXT_SIZE];
	struct uuid id = uuid_new(1790000000123456), back;

	(void)state;
	assert_int_equal(uuid_parse(&back, uuid_format(text, &id)), 0);
	assert_memory_equal(&id, &back, UUID_SIZE);
	assert_int_equal(text[14], '7');
	text[35] = '\0';
	assert_int_equal(uuid_parse(&back, text), -1);
	assert_int_equal(uuid_parse(&back, "01890a5d+ac96-774b-bcce-b302099a8057"), -1);
}

static void unpack_fails_once_and_for_all(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);
	size_t n;

	(void)state;
	assert_int_equal(pack_u8(&b, 7) | pack_u64(&b, UINT64_MAX) | pack_i64(&b, -5) | pack_str(&b, "abc"), 0);
	struct unpack u = UNPACK_INIT(b.data, b.len);

	assert_int_equal(unpack_u8(&u), 7);
	assert_true(unpack_u64(&u) == UINT64_MAX);
	assert_int_equal(unpack_i64(&u), -5);
	_free_ char *text = unpack_str(&u);

	assert_string_equal(text, "abc");
	assert_int_equal(unpack_end(&u), 0);

	static const uint8_t lie[] = { 0xff, 0xff, 0xff, 0xff, 1, 2 };

	u = UNPACK_INIT(lie, sizeof(lie));
	assert_null(unpack_bytes(&u, &n));
	assert_int_equal(unpack_u8(&u), 0);
	assert_int_equal(unpack_end(&u), -1);
}

static void pack_refuses_what_does_not_fit_whole(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(6);

	(void)state;
	assert_int_equal(pack_bytes(&b, "abc", 3), -1);
	assert_int_equal(b.len, 0);
}

static void utf8_validity_follows_the_standard(void **state)
{
	(void)state;
	assert_true(str_utf8_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\xa7", 10));
	assert_false(str_utf8_valid("\xc0\xaf", 2));	 /* overlong */
	assert_false(str_utf8_valid("\xed\xa0\x80", 3)); /* surrogate */
	assert_false(str_utf8_valid("\xf4\x90\x80\x80", 4));
	assert_false(str_utf8_valid("\xe2\x82", 2));
	assert_false(str_utf8_valid("\x80", 1));
	for (size_t n = 0; n < 20; n++) { /* whatever ASCII stands around it */
		char text[64];
		int length = snprintf(text, sizeof(text), "%.*s\xc3\xa9%.*s", (int)n, "abcdefghijklmnopqrst", (int)n,
			"abcdefghijklmnopqrst");

		assert_int_equal(str_ascii_run(text, (size_t)length), n);
		assert_int_equal(str_ascii_run(text, n / 2), n / 2);
		assert_true(str_utf8_valid(text, (size_t)length));
		assert_false(str_utf8_valid(text, n + 1));
		text[n + 1] = 'x';
		assert_false(str_utf8_valid(text, (size_t)length));
	}
}

static void numbers_are_whole_and_bounded(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(str_parse_u64(&value, "18446744073709551615", UINT64_MAX), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(str_parse_u64(&value, "18446744073709551616", UINT64_MAX), -1);
	assert_int_equal(str_parse_u64(&value, "11", 10), -1);
	assert_int_equal(str_parse_u64(&value, "9", 5), -1);
	assert_int_equal(str_parse_u64(&value, "", 10), -1);
	assert_int_equal(str_parse_u64(&value, "-1", 10), -1);
}

static void lists_split_sort_and_join(void **state)
{
	CLEANUP(strv_deinit) struct strv v = { 0 };

	(void)state;
	strv_split(&v, " b, a  c,", " ,");
	assert_false(strv_add_unique(&v, "a"));
	strv_sort(&v);
	_free_ char *text = strv_join(&v, "-");

	assert_string_equal(text, "a-b-c");
}

static void lists_keep_the_first_of_equals(void **state)
{
	CLEANUP(strv_deinit) struct strv v = { 0 };

	(void)state;
	strv_dedup(&v);
	assert_int_equal(v.n, 0);
	strv_split(&v, "c a c b a c d e f g h i", " ");
	strv_dedup(&v);
	strv_dedup(&v);
	for (const char *more = "jklmnopqr"; *more; more++)
		strv_add(&v, (char[]){ *more, '\0' });
	_free_ char *text = strv_join(&v, "");

	assert_string_equal(text, "cabdefghijklmnopqr");
}

static void errors_keep_their_class_behind_a_prefix(void **state)
{
	struct err e = { 0 };

	(void)state;
	errno = ENOSPC;
	assert_int_equal(err_errno(&e, "write", "/a/b"), -1);
	assert_int_equal(err_prefix(&e, "store_put"), -1);
	assert_string_equal(e.text, "store_put: write(/a/b) failed: No space left on device");
	assert_int_equal(e.class, ERR_TEMPORARY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_never_passes_its_maximum),
		cmocka_unit_test(buf_take_of_nothing_is_an_empty_string),
		cmocka_unit_test(hex_refuses_what_is_not_exact),
		cmocka_unit_test(clock_reads_what_it_writes),
		cmocka_unit_test(clock_parses_rfc3339_and_refuses_the_rest),
		cmocka_unit_test(uuid_rises_strictly_in_all_threads),
		cmocka_unit_test(uuid_text_is_exact),
		cmocka_unit_test(unpack_fails_once_and_for_all),
		cmocka_unit_test(pack_refuses_what_does_not_fit_whole),
		cmocka_unit_test(utf8_validity_follows_the_standard),
		cmocka_unit_test(numbers_are_whole_and_bounded),
		cmocka_unit_test(lists_split_sort_and_join),
		cmocka_unit_test(lists_keep_the_first_of_equals),
		cmocka_unit_test(errors_keep_their_class_behind_a_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
