/* store_fs: what was put is there, whole, read-only, once; what failed left nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/store/private_store.c"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store_object object(const struct uuid *id, const void *data, size_t n, uint8_t sha256[SHA256_SIZE])
{
	sha256_of(data, n, sha256);
	return (struct store_object){ .id = *id, .data = data, .length = n, .sha256 = sha256 };
}

static int put(const char *text, size_t n, struct uuid *id_r, struct locator *where_r, struct err *e)
{
	uint8_t sha256[SHA256_SIZE];

	*id_r = uuid_new(clock_now_us());
	struct store_object o = object(id_r, text, n, sha256);

	return store_put(store, &o, where_r, e);
}

struct collected {
	char data[256];
	size_t n;
};

static int collect(void *ctx, const void *data, size_t n)
{
	struct collected *c = ctx;

	if (c->n + n > sizeof(c->data))
		return -1;
	memcpy(c->data + c->n, data, n);
	c->n += n;
	return 0;
}

static char *path_of(const struct locator *l)
{
	return mem_printf("%s/store/%s", top, l->key);
}

static int files;

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)st, (void)ftw;
	files += type == FTW_F;
	return 0;
}

static int count_files(void)
{
	files = 0;
	assert_int_equal(nftw(top, count_one, 16, FTW_PHYS), 0);
	return files;
}

static void test_round_trip(void **state)
{
	(void)state;
	static const char bytes[] = "Subject: x\r\n\r\n\0bin\xff\n";
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct collected got = { .n = 0 };
	struct uuid id;
	struct err e;

	assert_int_equal(put(bytes, sizeof(bytes), &id, &where, &e), 0);
	assert_int_equal(where.length, sizeof(bytes));
	assert_int_equal(store_get(store, &where, collect, &got, &e), 0);
	assert_int_equal(got.n, sizeof(bytes));
	assert_memory_equal(got.data, bytes, sizeof(bytes));
}

static void test_key_shape_and_mode(void **state)
{
	(void)state;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	char day[CLOCK_TEXT_SIZE], text[UUID_TEXT_SIZE];
	struct uuid id;
	struct stat st;
	struct err e;

	assert_int_equal(put("x", 1, &id, &where, &e), 0);
	clock_format(day, uuid_time_us(&id));
	uuid_format(text, &id);
	_free_ char *want = mem_printf("m/%02x/%.4s/%.2s/%.2s/%s.eml", id.bytes[15], day, day + 5, day + 8, text);
	_free_ char *path = path_of(&where);

	assert_string_equal(where.key, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(st.st_nlink, 1);
}

static void test_an_object_is_never_replaced(void **state)
{
	(void)state;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	CLEANUP(locator_deinit) struct locator again = { 0 };
	struct collected got = { .n = 0 };
	uint8_t sha256[SHA256_SIZE];
	struct uuid id;
	struct err e;
	int before;

	assert_int_equal(put("first", 5, &id, &where, &e), 0);
	before = count_files();
	struct store_object o = object(&id, "other", 5, sha256);

	assert_int_equal(store_put(store, &o, &again, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(count_files(), before);
	assert_int_equal(store_get(store, &where, collect, &got, &e), 0);
	assert_memory_equal(got.data, "first", 5);
}

static void test_find(void **state)
{
	(void)state;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	CLEANUP(locator_deinit) struct locator found = { 0 };
	struct uuid id, other = uuid_new(clock_now_us());
	struct err e;

	assert_int_equal(put("findme", 6, &id, &where, &e), 0);
	assert_int_equal(store_find(store, &id, &found, &e), 1);
	assert_string_equal(found.key, where.key);
	assert_int_equal(found.length, 6);
	assert_int_equal(store_find(store, &other, &found, &e), 0);
}

static void test_get_refuses_what_is_not_its_own(void **state)
{
	(void)state;
	static const char *const keys[] = { "/etc/passwd", "m/../../../etc/passwd", "../x", "", "tmp/x" };
	struct collected got = { .n = 0 };
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct locator where = { .key = (char *)(uintptr_t)keys[i], .length = 1 };

		assert_int_equal(store_get(store, &where, collect, &got, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
	assert_int_equal(got.n, 0);
}

static void test_get_says_what_is_missing_or_short(void **state)
{
	(void)state;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct collected got = { .n = 0 };
	struct uuid id;
	struct err e;

	assert_int_equal(put("short", 5, &id, &where, &e), 0);
	where.length = 6;
	assert_int_equal(store_get(store, &where, collect, &got, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	_free_ char *path = path_of(&where);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_get(store, &where, collect, &got, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_non_null(strstr(e.text, where.key));
}

static void test_a_directory_taken_away_comes_back(void **state)
{
	(void)state;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	CLEANUP(locator_deinit) struct locator again = { 0 };
	_free_ char *moved = mem_printf("%s/moved", top);
	uint8_t sha256[SHA256_SIZE];
	struct uuid id;
	struct err e;

	assert_int_equal(put("x", 1, &id, &where, &e), 0);
	_free_ char *path = path_of(&where);

	*strrchr(path, '/') = '\0';
	assert_int_equal(rename(path, moved), 0);
	struct store_object o = object(&id, "x", 1, sha256);

	assert_int_equal(store_put(store, &o, &again, &e), -1); /* what was known is forgotten */
	assert_int_equal(store_put(store, &o, &again, &e), 0);
}

static void test_write_that_fails_leaves_nothing(void **state)
{
	(void)state;
	uid_t us = geteuid();
	struct locator where = { 0 };
	struct uuid id;
	struct err e;
	int before = count_files();
	_free_ char *m = mem_printf("%s/store/m", top);

	assert_int_equal(chmod(m, 0500), 0);
	if (us == 0)
		assert_int_equal(seteuid(65534), 0); /* root may write anywhere */
	assert_int_equal(store_ready(store, &e), -1);
	assert_non_null(strstr(e.text, "/store/m"));
	for (int i = 0; i < 300; i++) { /* whichever directories are there by now */
		if (put("x", 1, &id, &where, &e) == 0)
			locator_deinit(&where);
		else
			assert_int_equal(e.class, ERR_TEMPORARY);
	}
	assert_int_equal(seteuid(us), 0);
	assert_int_equal(chmod(m, 0700), 0);
	assert_true(count_files() <= before + 300);
	assert_int_equal(put("x", 1, &id, &where, &e), 0);
	locator_deinit(&where);
}

static void test_a_missing_directory_is_said(void **state)
{
	(void)state;
	struct conf other = { .store = (char *)(uintptr_t)"fs:/nowhere/at/all" };
	struct conf unknown = { .store = (char *)(uintptr_t)"tape:/dev/st0" };
	struct store *s = NULL;
	struct err e;

	assert_int_equal(store_open(&s, &other, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, "/nowhere/at/all"));
	assert_int_equal(store_open(&s, &unknown, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

/* What is stored there would be out of sight once the disk is back. */
static void test_an_empty_mount_point_is_no_store(void **state)
{
	(void)state;
	_free_ char *where = mem_printf("%s/mount-point", top), *setting = mem_printf("fs:%s", where);
	struct conf other = { .store = setting };
	struct store *s = NULL;
	struct err e;

	assert_int_equal(mkdir(where, 0700), 0);
	assert_int_equal(store_open(&s, &other, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, "mounted"));
	assert_int_equal(store_create(&other, &e), 0);
	assert_int_equal(store_open(&s, &other, &e), 0);
	store_closep(&s);
}

static void test_stale_temporary_names_are_swept(void **state)
{
	(void)state;
	_free_ char *fresh = mem_printf("%s/store/tmp/fresh.eml", top);
	struct store *again;
	struct err e;
	int fd = open(fresh, O_CREAT | O_WRONLY | O_CLOEXEC, 0400);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(store_open(&again, &conf, &e), 0);
	store_closep(&again);
	assert_int_equal(unlink(fresh), 0); /* somebody may still be at work on it: it was left alone */
}

#define THREADS 16
#define PUTS 20

static void *put_many(void *arg)
{
	size_t *done = arg;

	for (int i = 0; i < PUTS; i++) {
		CLEANUP(locator_deinit) struct locator where = { 0 };
		struct uuid id;
		struct err e;

		*done += put("many", 4, &id, &where, &e) == 0;
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	size_t done[THREADS] = { 0 }, total = 0;
	int before = count_files();

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &done[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		total += done[i];
	}
	assert_int_equal(total, THREADS * PUTS);
	assert_int_equal(count_files(), before + THREADS * PUTS);
}

#ifdef STRONGROOM_FAULTS
static void with_fault(const char *fault)
{
	if (fault)
		setenv("STRONGROOM_FAULT", fault, 1);
	else
		unsetenv("STRONGROOM_FAULT");
}

static void test_faults_leave_nothing_or_the_whole(void **state)
{
	(void)state;
	static const char *const before_name[] = { "store.write=fail", "store.written=fail", "store.synced=fail" };
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct uuid id;
	struct err e;
	int before = count_files();

	for (size_t i = 0; i < ARRAY_LEN(before_name); i++) {
		with_fault(before_name[i]);
		assert_int_equal(put("x", 1, &id, &where, &e), -1);
		assert_int_equal(e.class, ERR_TEMPORARY);
		assert_int_equal(store_find(store, &id, &where, &e), 0);
	}
	assert_int_equal(count_files(), before);
	with_fault("store.named=fail");
	assert_int_equal(put("x", 1, &id, &where, &e), -1);
	assert_int_equal(e.class, ERR_UNKNOWN);
	assert_int_equal(store_find(store, &id, &where, &e), 1);
	with_fault(NULL);
}

/* File systems without O_TMPFILE. */
static void test_with_temporary_names(void **state)
{
	(void)state;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct store *was = store;
	struct uuid id;
	struct err e;
	int before = count_files();

	with_fault("store.o_tmpfile=fail");
	assert_int_equal(store_open(&store, &conf, &e), 0);
	assert_int_equal(put("named", 5, &id, &where, &e), 0);
	assert_int_equal(count_files(), before + 1);
	with_fault("store.o_tmpfile=fail,store.written=fail");
	struct locator none = { 0 };

	assert_int_equal(put("named", 5, &id, &none, &e), -1);
	assert_int_equal(count_files(), before + 1);
	with_fault(NULL);
	store_closep(&store);
	store = was;
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_key_shape_and_mode),
		cmocka_unit_test(test_an_object_is_never_replaced),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_get_refuses_what_is_not_its_own),
		cmocka_unit_test(test_get_says_what_is_missing_or_short),
		cmocka_unit_test(test_a_directory_taken_away_comes_back),
		cmocka_unit_test(test_write_that_fails_leaves_nothing),
		cmocka_unit_test(test_a_missing_directory_is_said),
		cmocka_unit_test(test_an_empty_mount_point_is_no_store),
		cmocka_unit_test(test_stale_temporary_names_are_swept),
		cmocka_unit_test(test_many_threads),
#ifdef STRONGROOM_FAULTS
		cmocka_unit_test(test_faults_leave_nothing_or_the_whole),
		cmocka_unit_test(test_with_temporary_names),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
