/* store_s3_account: keys from a file as the tools of AWS have it, and from the environment. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "store/store_s3_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_FATAL);
	snprintf(path, sizeof(path), "/tmp/test-s3-account-XXXXXX");
	int fd = mkstemp(path);

	return fd < 0 || fchmod(fd, 0600) || close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	unsetenv("S3_ACCESS_KEY");
	unsetenv("S3_SECRET_KEY");
	unsetenv("S3_SESSION_TOKEN");
	return unlink(path);
}

static void expect(struct s3_account *a, const char *access, const char *secret, const char *token)
{
	CLEANUP(s3_keys_deinit) struct s3_keys k = { 0 };

	s3_account_keys(a, &k);
	assert_string_equal(k.access_key, access);
	assert_string_equal(k.secret_key, secret);
	assert_string_equal(k.token, token);
}

static void test_file(void **state)
{
	CLEANUP(s3_account_closep) struct s3_account *a = NULL;
	char token[2000] = { 0 };
	struct err e;

	(void)state;
	memset(token, 't', sizeof(token) - 1);
	_free_ char *text = mem_printf("# keys\n[other]\naws_access_key_id = no\n[default]\nregion = x\r\naws_access_key_id = AK\r\n"
		"aws_secret_access_key=se/cr+et= ; \n\n  aws_session_token =  %s  \n[third]\naws_access_key_id=no", token);

	write_file(text);
	assert_int_equal(s3_account_open(&a, path, &e), 0);
	expect(a, "AK", "se/cr+et= ;", token);
}

static void test_no_head(void **state)
{
	CLEANUP(s3_account_closep) struct s3_account *a = NULL;
	struct err e;

	(void)state;
	write_file("aws_access_key_id=AK\naws_secret_access_key=S");
	assert_int_equal(s3_account_open(&a, path, &e), 0);
	expect(a, "AK", "S", "");
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "", "[default]\n", "aws_access_key_id=AK\n", "aws_secret_access_key=S\n",
		"aws_access_key_id=\naws_secret_access_key=S\n", "nonsense\naws_access_key_id=AK\naws_secret_access_key=S\n",
		"[other]\naws_access_key_id=AK\naws_secret_access_key=S\n" };
	struct s3_account *a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_file(texts[i]);
		assert_int_equal(s3_account_open(&a, path, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
		assert_null(strstr(e.text, "AK\n"));
	}
	assert_int_equal(s3_account_open(&a, "", &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

static void test_environment(void **state)
{
	CLEANUP(s3_account_closep) struct s3_account *a = NULL;
	struct s3_account *none;
	struct err e;

	(void)state;
	write_file("aws_access_key_id=AK\naws_secret_access_key=S\n");
	setenv("S3_ACCESS_KEY", "EK", 1);
	assert_int_equal(s3_account_open(&none, path, &e), -1); /* half of two accounts is none */
	setenv("S3_SECRET_KEY", "ES", 1);
	setenv("S3_SESSION_TOKEN", "ET", 1);
	assert_int_equal(s3_account_open(&a, path, &e), 0);
	expect(a, "EK", "ES", "ET");
}

static void test_renewed(void **state)
{
	CLEANUP(s3_account_closep) struct s3_account *a = NULL;
	CLEANUP(s3_keys_deinit) struct s3_keys old = { 0 };
	struct err e;

	(void)state;
	write_file("aws_access_key_id=AK\naws_secret_access_key=S\n");
	assert_int_equal(s3_account_open(&a, path, &e), 0);
	s3_account_keys(a, &old);
	assert_false(s3_account_renewed(a, &old));
	write_file("aws_access_key_id=AK\naws_secret_access_ke");
	assert_false(s3_account_renewed(a, &old)); /* somebody is just writing it */
	expect(a, "AK", "S", "");
	write_file("aws_access_key_id=AK2\naws_secret_access_key=S2\n");
	assert_true(s3_account_renewed(a, &old));
	expect(a, "AK2", "S2", "");
	assert_true(s3_account_renewed(a, &old)); /* to another thread that still had the old ones */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_head, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_environment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renewed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
