/* Passwords, sealing, and the files that hold keys. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "sys/io.h"
#include "sys/secret.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int make_dir(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/secret.XXXXXX", base ? base : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_password(void **state)
{
	struct err e;
	_free_ char *hash = secret_password_hash("correct horse", &e);
	_free_ char *again = secret_password_hash("correct horse", &e);

	(void)state;
	assert_non_null(hash);
	assert_int_equal(strncmp(hash, "$argon2id$v=19$m=65536,", 23), 0);
	assert_string_not_equal(hash, again);
	assert_true(secret_password_verify(hash, "correct horse"));
	assert_false(secret_password_verify(hash, "correct hors"));
	assert_false(secret_password_verify(hash, ""));
	assert_false(secret_password_verify(NULL, "correct horse"));
	assert_false(secret_password_verify("", ""));
	assert_false(secret_password_verify("$argon2id$", "x"));
}

static void *verify_unknown(void *ctx)
{
	(void)ctx;
	assert_false(secret_password_verify(NULL, "x"));
	return NULL;
}

/* More than may hash at once: all come through. */
static void test_many_at_once(void **state)
{
	pthread_t threads[12];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_unknown, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static char *key_dir(void)
{
	return mem_printf("%s/keys", dir);
}

static void test_seal(void **state)
{
	_free_ char *keys = key_dir();
	struct secret_key *key = NULL;
	uint8_t plain[64];
	_free_ uint8_t *sealed = NULL;
	_free_ uint8_t *other = NULL;
	size_t length, other_length, n = 0;
	struct err e;

	(void)state;
	assert_int_equal(secret_keys_create(keys, &e), 0);
	assert_int_equal(secret_key_load(&key, keys, &e), 0);
	secret_seal(key, "twenty bytes secret!", 20, &sealed, &length);
	secret_seal(key, "twenty bytes secret!", 20, &other, &other_length);
	assert_int_equal(length, other_length);
	assert_memory_not_equal(sealed, other, length); /* a fresh nonce */
	assert_int_equal(secret_open(key, sealed, length, plain, &n, &e), 0);
	assert_int_equal(n, 20);
	assert_memory_equal(plain, "twenty bytes secret!", 20);
	for (size_t i = 0; i < length; i++) {
		sealed[i] ^= 1;
		assert_int_equal(secret_open(key, sealed, length, plain, &n, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
		sealed[i] ^= 1;
	}
	for (size_t shorter = 0; shorter < length; shorter++)
		assert_int_equal(secret_open(key, sealed, shorter, plain, &n, &e), -1);
	secret_key_freep(&key);
	assert_null(key);
}

static void read_file(struct buf *b, const char *path)
{
	struct err e;

	assert_int_equal(io_read_file(b, path, 4096, &e), 0);
}

static void test_keys_are_made_once(void **state)
{
	_free_ char *keys = key_dir(), *path = mem_printf("%s/seal.key", keys);
	CLEANUP(buf_deinit) struct buf first = BUF_INIT(4096), second = BUF_INIT(4096);
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(secret_keys_create(keys, &e), 0);
	read_file(&first, path);
	assert_int_equal(secret_keys_create(keys, &e), 0);
	read_file(&second, path);
	assert_int_equal(first.len, 32);
	assert_memory_equal(first.data, second.data, 32);
	assert_int_equal(stat(keys, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	_free_ char *count = mem_printf("test $(ls -A %s | grep -c '^token-.*[.]pem$') = 1 && test $(ls -A %s | wc -l) = 2",
		keys, keys);

	assert_int_equal(system(count), 0);
}

static void test_bad_key_files(void **state)
{
	_free_ char *keys = key_dir(), *path = mem_printf("%s/seal.key", keys);
	struct secret_key *key = NULL;
	struct err e;

	(void)state;
	assert_int_equal(secret_keys_create(keys, &e), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(secret_key_load(&key, keys, &e), -1);
	assert_non_null(strstr(e.text, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(secret_key_load(&key, keys, &e), -1);
	assert_int_equal(truncate(path, 33), 0);
	assert_int_equal(secret_key_load(&key, keys, &e), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(secret_key_load(&key, keys, &e), -1);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test_setup_teardown(test_seal, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_keys_are_made_once, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_bad_key_files, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
