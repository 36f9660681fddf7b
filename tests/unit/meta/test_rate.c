/* meta_rate_count: counting in windows, for each name by itself, over any number of programs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/rate.h"

#include <pthread.h>

#define WINDOW_US (10 * CLOCK_SECOND)

static uint64_t count(const char *name, int64_t now_us)
{
	uint64_t n = 0;

	if (meta_rate_count(meta, name, now_us, WINDOW_US, 1, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

static void test_windows(void **state)
{
	(void)state;
	int64_t begin_us = clock_now_us() / WINDOW_US * WINDOW_US;

	assert_int_equal(count("a", begin_us), 1);
	assert_int_equal(count("a", begin_us + WINDOW_US - 1), 2);
	assert_int_equal(count("b", begin_us + 1), 1);
	assert_int_equal(count("a", begin_us + WINDOW_US), 1);
	assert_int_equal(count("a", begin_us + WINDOW_US), 2);
	assert_int_equal(count("b", begin_us + 2), 2);
}

static void test_many_at_once(void **state)
{
	(void)state;
	uint64_t n = 0;

	assert_ok(meta_rate_count(meta, "many", WINDOW_US, WINDOW_US, 60, &n, &err));
	assert_int_equal(n, 60);
	assert_ok(meta_rate_count(meta, "many", WINDOW_US, WINDOW_US, 40, &n, &err));
	assert_int_equal(n, 100);
	assert_ok(meta_rate_count(meta, "many", 2 * WINDOW_US, WINDOW_US, 7, &n, &err));
	assert_int_equal(n, 7);
}

/* What was counted long ago does not stay for ever. */
static void test_forgets(void **state)
{
	(void)state;
	int64_t begin_us = clock_now_us() / WINDOW_US * WINDOW_US;

	count("old", begin_us - 100 * WINDOW_US);
	count("recent", begin_us - WINDOW_US);
	count("new", begin_us);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM rate_count WHERE name = 'old'"), 0);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM rate_count WHERE name = 'recent'"), 1);
}

#define NAMES 50

/* As a program of its own: nothing but the database tells it what others count. */
static void *count_many(void *now_us)
{
	CLEANUP(meta_closep) struct meta *own = NULL;
	struct err e;
	uint64_t n;

	if (meta_open(&own, &conf, &e))
		return &meta;
	for (int i = 0; i < NAMES; i++) {
		_free_ char *name = mem_printf("shared %d", i);

		if (meta_rate_count(own, name, *(int64_t *)now_us, WINDOW_US, 1, &n, &e)) {
			print_error("%s\n", e.text);
			return &meta;
		}
	}
	return NULL;
}

static void test_several_programs(void **state)
{
	(void)state;
	int64_t now_us = clock_now_us();
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, &now_us), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	for (int i = 0; i < NAMES; i++) {
		_free_ char *name = mem_printf("shared %d", i);

		assert_int_equal(count(name, now_us), 4 + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_windows, open_meta, remove_directory),
		cmocka_unit_test_setup_teardown(test_many_at_once, open_meta, remove_directory),
		cmocka_unit_test_setup_teardown(test_forgets, open_meta, remove_directory),
		cmocka_unit_test_setup_teardown(test_several_programs, open_meta, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
