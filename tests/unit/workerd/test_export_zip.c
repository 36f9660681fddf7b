/* export_zip: what a reader of ZIPs gets out of one is what went into it, also where the 64-bit extensions begin. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "workerd/export_zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FROM_HERE_64 UINT64_C(0xffffffff)

static struct err e;

static int collect(void *ctx, const void *data, size_t n, struct err *unused)
{
	(void)unused;
	return buf_add(ctx, data, n);
}

static void add(struct export_zip *z, const char *path, int64_t at_s, const void *data, size_t n, uint64_t announced)
{
	assert_int_equal(export_zip_begin(z, path, at_s * CLOCK_SECOND, announced, &e), 0);
	assert_int_equal(export_zip_add(z, data, n / 2, &e), 0);
	assert_int_equal(export_zip_add(z, (const char *)data + n / 2, n - n / 2, &e), 0);
	assert_int_equal(export_zip_end(z, &e), 0);
}

static struct archive *read_from(const struct buf *zip)
{
	struct archive *a = archive_read_new();

	assert_int_equal(archive_read_support_format_zip_seekable(a), ARCHIVE_OK); /* by the directory, not by the local headers */
	assert_int_equal(archive_read_open_memory(a, zip->data, zip->len), ARCHIVE_OK);
	return a;
}

static void expect(struct archive *a, const char *path, int64_t at_s, const void *data, size_t n)
{
	struct archive_entry *entry;
	_free_ char *read = mem_alloc(n + 1, 1);

	assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry), path);
	assert_int_equal(archive_entry_size(entry), n);
	assert_int_equal(archive_entry_mtime(entry), at_s);
	assert_int_equal(archive_entry_filetype(entry), AE_IFREG);
	assert_int_equal(archive_entry_perm(entry), 0644);
	assert_int_equal(archive_read_data(a, read, n + 1), n);
	assert_memory_equal(read, data, n);
}

static void expect_end(struct archive *a)
{
	struct archive_entry *entry;

	assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_EOF);
	archive_read_free(a);
}

static bool has(const struct buf *zip, const char *mark)
{
	return memmem(zip->data, zip->len, mark, 4) != NULL;
}

/* Noise, which deflate can't make smaller. */
static char *noise(size_t n)
{
	char *bytes = mem_alloc(n, 1);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	return bytes;
}

static void files_come_out_as_they_were(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(SIZE_MAX / 2);
	CLEANUP(export_zip_freep) struct export_zip *z = export_zip_new(export_spool_new("/tmp"), collect, &out);
	size_t n = 700000;
	_free_ char *bytes = noise(n);

	(void)state;
	add(z, "a/text", 1790000001, "some text", 9, 9);
	add(z, "a/empty", 0, "", 0, 0);
	add(z, "b/noise", 1790000000, bytes, n, n);
	assert_int_equal(export_zip_finish(z, &e), 0);
	assert_false(has(&out, "PK\x06\x06"));
	struct archive *a = read_from(&out);

	expect(a, "a/text", 1790000001, "some text", 9);
	expect(a, "a/empty", 0, "", 0);
	expect(a, "b/noise", 1790000000, bytes, n);
	expect_end(a);
}

/* Whether it is a large one is settled by what was announced. */
static void a_large_file_has_long_sizes(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(SIZE_MAX / 2);
	CLEANUP(export_zip_freep) struct export_zip *z = export_zip_new(export_spool_new("/tmp"), collect, &out);

	(void)state;
	add(z, "small", 1790000000, "ab", 2, 2);
	add(z, "large", 1790000000, "some text", 9, FROM_HERE_64);
	add(z, "next", 1790000000, "c", 1, 1);
	assert_int_equal(export_zip_finish(z, &e), 0);
	struct archive *a = read_from(&out);

	expect(a, "small", 1790000000, "ab", 2);
	expect(a, "large", 1790000000, "some text", 9);
	expect(a, "next", 1790000000, "c", 1);
	expect_end(a);
}

/* A directory that does not fit into memory meant for it, and has more files than 16 bits can count. */
static void there_may_be_many(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(SIZE_MAX / 2);
	CLEANUP(export_zip_freep) struct export_zip *z = export_zip_new(export_spool_new("/tmp"), collect, &out);
	char path[40];

	(void)state;
	for (unsigned i = 0; i < 66000; i++) {
		snprintf(path, sizeof(path), "folder/%u", i);
		add(z, path, 1790000000, path, strlen(path), strlen(path));
	}
	assert_int_equal(export_zip_finish(z, &e), 0);
	assert_true(has(&out, "PK\x06\x06"));
	struct archive *a = read_from(&out);

	for (unsigned i = 0; i < 66000; i++) {
		snprintf(path, sizeof(path), "folder/%u", i);
		expect(a, path, 1790000000, path, strlen(path));
	}
	expect_end(a);
}

static void an_empty_one_is_one(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(SIZE_MAX / 2);
	CLEANUP(export_zip_freep) struct export_zip *z = export_zip_new(export_spool_new("/tmp"), collect, &out);

	(void)state;
	assert_int_equal(export_zip_finish(z, &e), 0);
	assert_int_equal(out.len, 22);
	assert_memory_equal(out.data, "PK\x05\x06", 4);
}

static void times_of_no_use_are_bounded(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(SIZE_MAX / 2);
	CLEANUP(export_zip_freep) struct export_zip *z = export_zip_new(export_spool_new("/tmp"), collect, &out);

	(void)state;
	add(z, "early", -5, "a", 1, 1);
	add(z, "late", INT64_C(253402300799), "b", 1, 1);
	assert_int_equal(export_zip_finish(z, &e), 0);
	struct archive *a = read_from(&out);

	expect(a, "early", 0, "a", 1);
	expect(a, "late", INT32_MAX, "b", 1);
	expect_end(a);
}

static int refuse(void *ctx, const void *data, size_t n, struct err *err_r)
{
	(void)ctx, (void)data, (void)n;
	return err_temporary(err_r, "full");
}

static void a_refusal_is_told(void **state)
{
	CLEANUP(export_zip_freep) struct export_zip *z = export_zip_new(export_spool_new("/tmp"), refuse, NULL);
	size_t n = 700000;
	_free_ char *bytes = noise(n);

	(void)state;
	assert_int_equal(export_zip_begin(z, "a", 0, n, &e), 0);
	assert_int_equal(export_zip_add(z, bytes, n, &e), -1);
	assert_string_equal(e.text, "full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_out_as_they_were),
		cmocka_unit_test(a_large_file_has_long_sizes),
		cmocka_unit_test(there_may_be_many),
		cmocka_unit_test(an_empty_one_is_one),
		cmocka_unit_test(times_of_no_use_are_bounded),
		cmocka_unit_test(a_refusal_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
