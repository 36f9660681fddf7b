/* store_fs: a message's file is taken away for good, and nothing else ever is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/store/private_store.c"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(struct locator *where_r)
{
	uint8_t sha256[SHA256_SIZE];
	struct store_object o = { .id = uuid_new(clock_now_us()), .data = "kept", .length = 4, .sha256 = sha256 };
	struct err e;

	sha256_of(o.data, o.length, sha256);
	if (store_put(store, &o, where_r, &e))
		fail_msg("%s", e.text);
}

static char *path_of(const char *key)
{
	return mem_printf("%s/store/%s", top, key);
}

static bool is_there(const char *key)
{
	_free_ char *path = path_of(key);
	struct stat st;

	return lstat(path, &st) == 0;
}

static void expect_refused(const struct locator *where, enum err_class class)
{
	struct err e;

	assert_int_equal(store_remove(store, where, &e), -1);
	assert_int_equal(e.class, class);
	assert_non_null(strstr(e.text, where->key));
}

static void test_it_is_gone_and_its_neighbour_is_not(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 }, other = { 0 };
	struct store_state now;
	struct err e;

	(void)state;
	put(&where);
	put(&other);
	assert_int_equal(store_remove(store, &where, &e), 0);
	assert_false(is_there(where.key));
	assert_int_equal(store_stat(store, &where, &now, &e), 0);
	assert_int_equal(store_stat(store, &other, &now, &e), 1);
	assert_int_equal(store_remove(store, &where, &e), 0); /* not there any more */
}

static void test_a_day_that_never_was(void **state)
{
	struct uuid id = uuid_new(INT64_C(1000000) * CLOCK_SECOND);
	CLEANUP(locator_deinit)
	struct locator where = { mem_strdup(""), store_key(&id), mem_strdup(""), 0, 1 };
	struct err e;

	(void)state;
	assert_int_equal(store_remove(store, &where, &e), 0);
}

/* Keys come from the database; what is removed for a wrong one is gone. */
static void test_no_key_but_that_of_a_message(void **state)
{
	CLEANUP(locator_deinit) struct locator real = { 0 };

	(void)state;
	put(&real);
	const char *name = strrchr(real.key, '/') + 1;
	_free_ char *up = mem_printf("m/../%s", real.key), *twice = mem_printf("m/%s", real.key),
		    *elsewhere = mem_printf("m/00/1999/01/01/%s", name), *slashes = mem_printf("m//%s", real.key + 2),
		    *longer = mem_printf("%s.eml", real.key), *upper = mem_strdup(real.key),
		    *shorter = mem_dup(real.key, strlen(real.key) - 4), *absolute = path_of(real.key);
	const char *const keys[] = { "", "m", "m/", "x/case-1/1.tar.gz", "strongroom/proof.json", "tmp", name, up, twice, elsewhere,
		slashes, longer, upper, shorter, absolute };

	upper[0] = 'M';
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CLEANUP(locator_deinit)
		struct locator where = { mem_strdup(""), mem_strdup(keys[i]), mem_strdup(""), 0, 4 };

		expect_refused(&where, ERR_PERMANENT);
	}
	assert_true(is_there(real.key));
}

static void test_no_part_of_an_object_and_none_of_another_store(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };

	(void)state;
	put(&where);
	where.offset = 1;
	expect_refused(&where, ERR_PERMANENT);
	where.offset = 0;
	free(where.bucket);
	where.bucket = mem_strdup("archive");
	expect_refused(&where, ERR_TEMPORARY);
	assert_true(is_there(where.key));
}

/* Neither in the place of the file nor of a directory on the way. */
static void test_no_symbolic_link_is_followed(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	_free_ char *outside = mem_printf("%s/outside", top);

	(void)state;
	put(&where);
	_free_ char *path = path_of(where.key), *day = mem_dup(path, (size_t)(strrchr(path, '/') - path)),
		    *moved = mem_printf("%s/moved", top);

	assert_int_equal(rename(path, outside), 0);
	assert_int_equal(symlink(outside, path), 0);
	expect_refused(&where, ERR_TEMPORARY);
	assert_int_equal(access(outside, F_OK), 0);
	assert_true(is_there(where.key));
	assert_int_equal(rename(outside, path), 0);
	assert_int_equal(rename(day, moved), 0);
	assert_int_equal(symlink(moved, day), 0);
	expect_refused(&where, ERR_TEMPORARY);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(day), 0);
	assert_int_equal(rename(moved, day), 0);
}

/* The disk is not mounted, which is no reason to call anything gone. */
static void test_a_store_without_messages_is_no_store(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	_free_ char *m = path_of("m"), *away = path_of("away");

	(void)state;
	put(&where);
	assert_int_equal(rename(m, away), 0);
	expect_refused(&where, ERR_TEMPORARY);
	assert_int_equal(rename(away, m), 0);
	assert_true(is_there(where.key));
}

static void expect_kept_in_a_closed_directory(void)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };

	put(&where);
	_free_ char *path = path_of(where.key), *day = mem_dup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(chmod(day, 0500), 0);
	expect_refused(&where, ERR_TEMPORARY);
	assert_int_equal(chmod(day, 0700), 0);
	assert_true(is_there(where.key));
}

static void test_what_may_not_be_removed_stays(void **state)
{
	(void)state;
	if (geteuid() == 0) { /* who may do anything */
		print_message("needs an ordinary account\n");
		skip();
	}
	expect_kept_in_a_closed_directory();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_gone_and_its_neighbour_is_not),
		cmocka_unit_test(test_a_day_that_never_was),
		cmocka_unit_test(test_no_key_but_that_of_a_message),
		cmocka_unit_test(test_no_part_of_an_object_and_none_of_another_store),
		cmocka_unit_test(test_no_symbolic_link_is_followed),
		cmocka_unit_test(test_a_store_without_messages_is_no_store),
		cmocka_unit_test(test_what_may_not_be_removed_stays),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
