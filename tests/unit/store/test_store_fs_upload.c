/* store_fs: a long object is there when it is finished, whole, or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/store/private_store.c"

#include "base/buf.h"

#include <string.h>
#include <unistd.h>

static int collect(void *ctx, const void *data, size_t n)
{
	return buf_add(ctx, data, n);
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
	assert_int_equal(files_in("store/x"), 0); /* nothing is to be seen yet */
	assert_int_equal(store_upload_add(u, "two", 3, &e), 0);
	assert_int_equal(store_upload_finish(&u, &where, &e), 0);
	assert_null(u);
	assert_int_equal(store_get(store, &where, collect, &got, &e), 0);
	assert_string_equal(got.data, "one, two");
	assert_int_equal(store_stat(store, &where, &now, &e), 1);
	assert_true(now.read_only);
	assert_int_equal(files_in("store/tmp"), 0);
	assert_int_equal(store_upload_begin(store, "x/case/1.tar.gz", 0, &u, &e), 0); /* never in the place of another */
	assert_int_equal(store_upload_finish(&u, &again, &e), -1);
	store_upload_abandonp(&u);
	assert_int_equal(files_in("store/tmp"), 0);
	assert_int_equal(files_in("store/x/case"), 1);
	assert_int_equal(store_upload_clear(store, "x/case/1.tar.gz", &e), 0);
	assert_int_equal(files_in("store/x/case"), 0);
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
	assert_int_equal(files_in("store/x"), 0);
	assert_int_equal(files_in("store/tmp"), 0);
}

static void test_left_behind(void **state)
{
	struct store_upload *u, *other = NULL;
	struct err e;

	(void)state;
	assert_int_equal(store_upload_begin(store, "x/case/1", 0, &u, &e), 0);
	assert_int_equal(store_upload_begin(store, "x/case/1", 0, &other, &e), -1); /* one at a time */
	assert_null(other);
	assert_int_equal(files_in("store/tmp"), 1);
	assert_int_equal(store_upload_clear(store, "x/case/2", &e), 0);
	assert_int_equal(files_in("store/tmp"), 1);
	assert_int_equal(store_upload_clear(store, "x/case/1", &e), 0); /* as if its program had died */
	assert_int_equal(files_in("store/tmp"), 0);
	store_upload_abandonp(&u);
	assert_int_equal(store_upload_clear(store, "m/00/1.eml", &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

/* ---- going on ---- */

static void save(struct store_upload *u, bool whole, struct buf *state)
{
	const void *tail;
	size_t tail_n;
	struct err e;

	buf_reset(state);
	assert_int_equal(store_upload_save(u, whole, state, &tail, &tail_n, &e), 0);
	assert_int_equal(tail_n, 0);
}

static void expect_object(const struct locator *where, const char *text)
{
	CLEANUP(buf_deinit) struct buf got = BUF_INIT(1000);
	struct store_state now;
	struct err e;

	assert_int_equal(store_get(store, where, collect, &got, &e), 0);
	assert_string_equal(got.data, text);
	assert_int_equal(where->length, strlen(text));
	assert_int_equal(store_stat(store, where, &now, &e), 1);
	assert_true(now.read_only);
	assert_int_equal(files_in("store/tmp"), 0);
}

/* What was added behind the mark is dropped, however often it is gone on from there. */
static void test_gone_on_with(void **state)
{
	CLEANUP(buf_deinit) struct buf mark = BUF_INIT(1000);
	struct locator where;
	struct store_upload *u;
	struct err e;

	(void)state;
	assert_int_equal(store_upload_begin(store, "x/case/1", 0, &u, &e), 0);
	assert_int_equal(store_upload_add(u, "one, ", 5, &e), 0);
	save(u, false, &mark);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(store_upload_add(u, "lost, lost, ", 12, &e), 0);
		store_upload_leavep(&u);
		assert_null(u);
		assert_int_equal(store_upload_resume(store, "x/case/1", 0, &mark, &u, &e), 0);
	}
	assert_int_equal(store_upload_add(u, "two", 3, &e), 0);
	assert_int_equal(store_upload_finish(&u, &where, &e), 0);
	expect_object(&where, "one, two");
	locator_deinit(&where);
}

/* It may have become an object before the one who made it so could tell anybody. */
static void test_gone_on_with_when_whole(void **state)
{
	CLEANUP(buf_deinit) struct buf mark = BUF_INIT(1000);
	struct locator where;
	struct store_upload *u;
	struct err e;

	(void)state;
	assert_int_equal(store_upload_begin(store, "x/case/1", 0, &u, &e), 0);
	assert_int_equal(store_upload_add(u, "all", 3, &e), 0);
	save(u, true, &mark);
	store_upload_leavep(&u);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(store_upload_resume(store, "x/case/1", 0, &mark, &u, &e), 0);
		assert_int_equal(store_upload_finish(&u, &where, &e), 0);
		expect_object(&where, "all");
		locator_deinit(&where);
	}
}

static void expect_no_way_on(const char *key, const struct buf *mark)
{
	struct store_upload *u = NULL;
	struct err e;

	assert_int_equal(store_upload_resume(store, key, 0, mark, &u, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_null(u);
}

static void test_no_way_on(void **state)
{
	CLEANUP(buf_deinit) struct buf mark = BUF_INIT(1000), damaged = BUF_INIT(1000);
	_free_ char *temp = mem_printf("%s/store/tmp/x+1", top);
	struct locator where;
	struct store_upload *u;
	struct err e;

	(void)state;
	assert_int_equal(store_upload_begin(store, "x/1", 0, &u, &e), 0);
	assert_int_equal(store_upload_add(u, "one", 3, &e), 0);
	save(u, false, &mark);
	expect_no_way_on("x/2", &mark);
	assert_int_equal(buf_add(&damaged, mark.data, mark.len - 1), 0);
	expect_no_way_on("x/1", &damaged);
	assert_int_equal(truncate(temp, 2), 0);
	expect_no_way_on("x/1", &mark);
	assert_int_equal(store_upload_finish(&u, &where, &e), 0); /* it was not saved as the whole */
	expect_no_way_on("x/1", &mark);
	locator_deinit(&where);
	assert_int_equal(store_upload_clear(store, "x/1", &e), 0);
	expect_no_way_on("x/1", &mark);
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
		cmocka_unit_test_setup_teardown(test_gone_on_with, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone_on_with_when_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_way_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_extend_and_hold, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
