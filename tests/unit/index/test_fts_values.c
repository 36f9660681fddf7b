/* What is remembered of rows, and that it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "index/index_fts_values.h"

/* So little that the memory is full soon. */
#undef FTS_VALUES_BYTES_MAX
#define FTS_VALUES_BYTES_MAX ((size_t)1024 * 1024)
#include "index/index_fts_values.c"

#include <stdio.h>

static struct fts_db db = { .file = { .dev = 1, .ino = 2 } };

static char *month_of(int64_t row)
{
	static char text[64];

	snprintf(text, sizeof(text), "20%02d-%02d", (int)(row % 97), (int)(row % 12) + 1);
	return text;
}

static bool is_text(struct fts_values *v, uint32_t number, const char *expected)
{
	size_t n;
	const void *text = fts_values_text(v, number, &n);

	return n == strlen(expected) && memcmp(text, expected, n) == 0;
}

/* Rows as dates make them: far apart, and many of one second. */
static int64_t row_of(int k)
{
	return ((int64_t)1500000000 + k / 3 * 77) * 65536 + k % 3;
}

static void test_rows_are_found_again(void **state)
{
	struct fts_values *v = new_values(&db, 7);
	struct fts_value kept, found[2];
	int n = 0;

	(void)state;
	while (fts_values_keep(v, row_of(n), month_of(n), n % 2 ? "odd" : "even", n % 2 ? 3 : 4, &kept))
		n++;
	assert_in_range(n, PLACES_FIRST, FTS_VALUES_BYTES_MAX / sizeof(struct row));
	assert_true(is_full(v));
	for (int k = 0; k < n; k++) {
		const int64_t rows[2] = { row_of(k), row_of(k) + 7 };

		fts_values_find(v, rows, 2, found);
		assert_true(is_text(v, found[0].month, month_of(k)));
		assert_true(is_text(v, found[0].lists, k % 2 ? "odd" : "even"));
		assert_int_equal(found[1].lists, 0);
	}
	fts_values_freep(&v);
}

/* Whoever sends mail chooses its texts. */
static void test_texts_fill_it(void **state)
{
	struct fts_values *v = new_values(&db, 7);
	struct fts_value value;
	char text[1000];
	int n = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	do {
		memcpy(text, &n, sizeof(n));
	} while (fts_values_keep(v, row_of(n), "2011-06", text, sizeof(text), &value) && ++n);
	assert_in_range(n, 100, 1000);
	fts_values_freep(&v);
}

static void test_another_file_is_another_matter(void **state)
{
	struct fts_values *v = new_values(&db, 7);
	const struct fts_db other = { .file = { .dev = 1, .ino = 3 } };

	(void)state;
	assert_true(is_of(v, &db, 7));
	assert_false(is_of(v, &db, 8));
	assert_false(is_of(v, &other, 7));
	fts_values_freep(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_found_again),
		cmocka_unit_test(test_texts_fill_it),
		cmocka_unit_test(test_another_file_is_another_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
