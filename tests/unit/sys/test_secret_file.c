/* secret_file: what everybody can read is no secret. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/secret_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test-secret-file-XXXXXX");
	int fd = mkstemp(path);

	return fd < 0 || close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static void test_first_line(void **state)
{
	_free_ char *line = NULL;
	struct err e;

	(void)state;
	write_file("  pass word \r\nmore\n", 0640);
	assert_int_equal(secret_file_line(&line, path, &e), 0);
	assert_string_equal(line, "pass word");
}

static void test_nothing_there(void **state)
{
	static const char *const texts[] = { "", "\n", " \t \npassword\n" };
	char *line;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_file(texts[i], 0600);
		assert_int_equal(secret_file_line(&line, path, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
	assert_int_equal(secret_file_line(&line, "/nowhere/at/all", &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(secret_file_line(&line, "/tmp", &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

static void test_open_to_all(void **state)
{
	static const mode_t modes[] = { 0644, 0602, 0604 };
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		write_file("secret\n", modes[i]);
		assert_int_equal(secret_file_read(&b, path, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
		assert_non_null(strstr(e.text, "chmod o="));
		assert_int_equal(b.len, 0);
	}
}

static void test_too_long(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);
	_free_ char *text = mem_alloc(102, 1);
	struct err e;

	(void)state;
	memset(text, 'x', 101);
	write_file(text, 0600);
	assert_int_equal(secret_file_read(&b, path, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	text[99] = '\0';
	write_file(text, 0600);
	assert_int_equal(secret_file_read(&b, path, &e), 0);
	assert_string_equal(b.data, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_to_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_long, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
