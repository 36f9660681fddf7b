#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/message.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char dir[256];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/test_message.XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir); /* fails when anything was left in it */
}

static struct message *fill(size_t n, size_t step)
{
	struct message *m = message_new(dir, n);
	_free_ uint8_t *bytes = mem_alloc(n, 1);
	struct err e;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	for (size_t i = 0; i < n; i += step)
		assert_int_equal(message_append(m, bytes + i, n - i < step ? n - i : step, &e), 0);
	assert_int_equal(message_finish(m, &e), 0);
	uint8_t expected[SHA256_SIZE];

	sha256_of(bytes, n, expected);
	assert_int_equal(message_size(m), n);
	assert_memory_equal(message_bytes(m), bytes, n);
	assert_memory_equal(message_sha256(m), expected, SHA256_SIZE);
	return m;
}

/* What a worker is given of a message in the spool: all the bytes, and no way to change them. */
static void check_fd(const struct message *m)
{
	struct err e;
	_close_ int fd = message_open_fd(m, &e);
	size_t n = (size_t)message_size(m);
	_free_ uint8_t *bytes = mem_alloc(n, 1);

	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), n);
	assert_int_equal(pread(fd, bytes, n, 0), n);
	assert_memory_equal(bytes, message_bytes(m), n);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, (off_t)n + 1), -1);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_ptr_equal(mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 10240, MESSAGE_MEMORY_MAX - 1, MESSAGE_MEMORY_MAX,
		MESSAGE_MEMORY_MAX + 1, 3 * MESSAGE_MEMORY_MAX, 3 * MESSAGE_MEMORY_MAX + 77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(message_freep) struct message *whole = fill(sizes[i], sizes[i] + 1);
		CLEANUP(message_freep) struct message *pieces = fill(sizes[i], 1021);

		if (sizes[i] > MESSAGE_MEMORY_MAX) {
			check_fd(whole);
			check_fd(pieces);
		}
	}
}

/* What was announced is no limit, and no promise. */
static void test_announced(void **state)
{
	static const uint64_t announced[] = { 1, 1000, 4000, MESSAGE_MEMORY_MAX + 1, UINT64_MAX };
	char bytes[3000] = "text";
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(announced); i++) {
		CLEANUP(message_freep) struct message *m = message_new(dir, 10000);

		message_expect(m, announced[i]);
		for (int n = 0; n < 3; n++)
			assert_int_equal(message_append(m, bytes + 1000 * n, 1000, &e), 0);
		assert_int_equal(message_finish(m, &e), 0);
		assert_int_equal(message_size(m), sizeof(bytes));
		assert_memory_equal(message_bytes(m), bytes, sizeof(bytes));
	}
}

static void test_too_large(void **state)
{
	CLEANUP(message_freep) struct message *m = message_new(dir, 10);
	struct err e;

	(void)state;
	assert_int_equal(message_append(m, "12345678", 8, &e), 0);
	assert_false(message_too_large(m));
	assert_int_equal(message_append(m, "abc", 3, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_true(message_too_large(m));
	assert_int_equal(message_append(m, "90", 2, &e), 0);
	assert_int_equal(message_finish(m, &e), 0);
	assert_int_equal(message_size(m), 10);
	assert_memory_equal(message_bytes(m), "1234567890", 10);
}

static void test_no_spool(void **state)
{
	CLEANUP(message_freep) struct message *m = message_new("/nonexistent/spool", UINT64_MAX);
	_free_ char *bytes = mem_alloc(MESSAGE_MEMORY_MAX, 1);
	struct err e;

	(void)state;
	assert_int_equal(message_append(m, bytes, MESSAGE_MEMORY_MAX, &e), 0);
	assert_int_equal(message_append(m, "x", 1, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, "/nonexistent/spool"));
}

static void test_leaves_nothing(void **state)
{
	CLEANUP(message_freep) struct message *m = fill(2 * MESSAGE_MEMORY_MAX, 5000);
	DIR *d = opendir(dir);
	int entries = 0;

	(void)state;
	assert_int_equal(message_size(m), 2 * MESSAGE_MEMORY_MAX);
	assert_non_null(d);
	while (readdir(d))
		entries++;
	closedir(d);
	assert_int_equal(entries, 2); /* "." and ".." while it is open */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_announced),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_no_spool),
		cmocka_unit_test(test_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
