/* store_fs: a long object is there when it is finished, whole, or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/store/private_store.c"

#include "base/buf.h"

#include <dirent.h>
#include <string.h>

static int collect(void *ctx, const void *data, size_t n)
{
	return buf_add(ctx, data, n);
}

static unsigned files_in(const char *name)
{
	_free_ char *path = mem_printf("%s/store/%s", top, name);
	DIR *d = opendir(path);
	unsigned n = 0;

	for (struct dirent *entry; d && (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void test_finished(void **state)
{
	CLEANUP(buf_deinit) struct buf got = BUF_INIT(1000);
	struct locator where, again;
	struct store_upload *u;
	struct store_state now;
	struct err e;

	(void)state;
	assert_int_equal(store_upload_begin(store, "x/case/1.tar.gz", 0, &u, &e), 0);
	assert_int_equal(store_upload_add(u, "one, ", 5, &e), 0);
	assert_int_equal(files_in("x"), 0); /* nothing is to be seen yet */
	assert_int_equal(store_upload_add(u, "two", 3, &e), 0);
	assert_int_equal(store_upload_finish(&u, &where, &e), 0);
	assert_null(u);
	assert_int_equal(store_get(store, &where, collect, &got, &e), 0);
	assert_string_equal(got.data, "one, two");
	assert_int_equal(store_stat(store, &where, &now, &e), 1);
	assert_true(now.read_only);
	assert_int_equal(files_in("tmp"), 0);
	assert_int_equal(store_upload_begin(store, "x/case/1.tar.gz", 0, &u, &e), 0); /* never in the place of another */
	assert_int_equal(store_upload_finish(&u, &again, &e), -1);
	store_upload_abandonp(&u);
	assert_int_equal(files_in("tmp"), 0);
	assert_int_equal(files_in("x/case"), 1);
	assert_int_equal(store_upload_clear(store, "x/case/1.tar.gz", &e), 0);
	assert_int_equal(files_in("x/case"), 0);
	assert_int_equal(store_upload_clear(store, "x/case/1.tar.gz", &e), 0); /* again */
	locator_deinit(&where);
}

static void test_abandoned(void **state)
{
	struct store_upload *u = NULL;
	struct err e;

	(void)state;
	store_upload_abandonp(&u);
	assert_int_equal(store_upload_begin(store, "x/1", 0, &u, &e), 0);
	assert_int_equal(store_upload_add(u, "one", 3, &e), 0);
	store_upload_abandonp(&u);
	assert_null(u);
	assert_int_equal(files_in("x"), 0);
	assert_int_equal(files_in("tmp"), 0);
}

static void test_left_behind(void **state)
{
	struct store_upload *u, *other = NULL;
	struct err e;

	(void)state;
	assert_int_equal(store_upload_begin(store, "x/case/1", 0, &u, &e), 0);
	assert_int_equal(store_upload_begin(store, "x/case/1", 0, &other, &e), -1); /* one at a time */
	assert_null(other);
	assert_int_equal(files_in("tmp"), 1);
	assert_int_equal(store_upload_clear(store, "x/case/2", &e), 0);
	assert_int_equal(files_in("tmp"), 1);
	assert_int_equal(store_upload_clear(store, "x/case/1", &e), 0); /* as if its program had died */
	assert_int_equal(files_in("tmp"), 0);
	store_upload_abandonp(&u);
	assert_int_equal(store_upload_clear(store, "m/00/1.eml", &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

static void test_keys(void **state)
{
	static const char *const bad[] = { "", "x", "x/", "m/a", "x/../m/a", "x/a/", "x//a", "/x/a", "x/a b" };
	struct store_upload *u;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(store_upload_begin(store, bad[i], 0, &u, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
}

/* Until when a file is kept the database knows: the store only says whether there is one. */
static void test_extend_and_hold(void **state)
{
	struct locator where, none = { (char[]){ "" }, (char[]){ "x/none" }, (char[]){ "" }, 0, 0 };
	struct store_upload *u;
	struct err e;
	char *url;

	(void)state;
	assert_int_equal(store_upload_begin(store, "x/1", 0, &u, &e), 0);
	assert_int_equal(store_upload_finish(&u, &where, &e), 0);
	assert_int_equal(store_extend(store, &where, 1, &e), 0);
	assert_int_equal(store_hold(store, &where, true, &e), 0);
	assert_int_equal(store_extend(store, &none, 1, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_int_equal(store_hold(store, &none, false, &e), -1);
	assert_int_equal(store_presign(store, &where, 60, &url, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_int_equal(store_proved(store, &e), 0);
	locator_deinit(&where);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_finished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_abandoned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_left_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_extend_and_hold, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
