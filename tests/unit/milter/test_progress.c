#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "milter/progress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define INTERVAL (CLOCK_SECOND / 50)
#define WAITERS 8
#define ROUNDS 200

static void nap(int64_t us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static void count(void *ctx)
{
	atomic_fetch_add((atomic_int *)ctx, 1);
}

static void test_one_who_waits_is_told(void **state)
{
	struct progress_wait w = { 0 };
	atomic_int told = 0;

	(void)state;
	progress_enter(&w, count, &told);
	while (atomic_load(&told) < 3)
		nap(1000);
	progress_leave(&w);
}

/* A waiter's memory is gone after progress_leave(): the sanitizers see it when it is still used. */
static void *come_and_go(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		atomic_int *told = MEM_NEW(atomic_int);
		struct progress_wait *w = MEM_NEW(struct progress_wait);

		progress_enter(w, count, told);
		nap(i % 10 == 0 ? INTERVAL + 1000 : 10);
		progress_leave(w);
		free(w);
		free(told);
	}
	return unused;
}

static void test_nobody_is_told_after_leaving(void **state)
{
	pthread_t threads[WAITERS];

	(void)state;
	for (int i = 0; i < WAITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_who_waits_is_told),
		cmocka_unit_test(test_nobody_is_told_after_leaving),
	};
	struct err e;

	if (progress_start(INTERVAL, &e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
