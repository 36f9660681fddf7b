/* worker: a task comes round again and again, ever more slowly while it fails, and ends at once when asked to. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "workerd/worker.h"

#include <unistd.h>

static atomic_int turns, failing_turns;
static struct conf conf;

static int works(struct worker *w, struct err *e)
{
	(void)w, (void)e;
	atomic_fetch_add(&turns, 1);
	return 0;
}

static int fails(struct worker *w, struct err *e)
{
	(void)w;
	atomic_fetch_add(&failing_turns, 1);
	return err_temporary(e, "as always");
}

static int64_t at_once(const struct conf *c)
{
	(void)c;
	return 1000;
}

static const struct task good = {
	.name = "good",
	.interval = offsetof(struct conf, workerd_outbox_interval_us),
	.wake = "outbox",
	.settle_us = at_once,
	.run = works,
};
static const struct task bad = {
	.name = "bad",
	.interval = offsetof(struct conf, workerd_outbox_interval_us),
	.wake = "bad",
	.settle_us = at_once,
	.run = fails,
};
static const struct task *const tasks[] = { &good, &bad };

static struct worker_threads *start(struct worker *w, int64_t interval_us)
{
	struct err e;

	log_set_level(LOG_FATAL);
	atomic_store(&turns, 0);
	atomic_store(&failing_turns, 0);
	conf.workerd_outbox_interval_us = interval_us;
	struct worker_threads *t = worker_start(w, tasks, ARRAY_LEN(tasks), &e);

	assert_non_null(t);
	return t;
}

static void test_a_failing_task_slows_down_and_holds_nobody_up(void **state)
{
	(void)state;
	struct worker w = { .conf = &conf };
	struct worker_threads *t = start(&w, 10000);

	while (atomic_load(&turns) < 30)
		usleep(1000);
	worker_stop(&w, &t);
	assert_null(t);
	assert_true(atomic_load(&failing_turns) >= 1);
	assert_true(atomic_load(&failing_turns) < atomic_load(&turns) / 2);
}

static void test_the_end_waits_for_no_interval(void **state)
{
	(void)state;
	struct worker w = { .conf = &conf };
	struct worker_threads *t = start(&w, 3600 * CLOCK_SECOND);

	while (atomic_load(&turns) < 1)
		usleep(1000);
	alarm(60); /* an hour too late would be too late */
	worker_stop(&w, &t);
	alarm(0);
	assert_int_equal(atomic_load(&turns), 1);
}

/* Its turn comes an hour early; a wake-up that is for others, or for what fails, changes nothing. */
static void test_wake_ups(void **state)
{
	(void)state;
	struct worker w = { .conf = &conf };
	struct worker_threads *t = start(&w, 3600 * CLOCK_SECOND);

	while (atomic_load(&turns) < 1 || atomic_load(&failing_turns) < 1)
		usleep(1000);
	alarm(60);
	worker_wake(t, "outbox");
	while (atomic_load(&turns) < 2)
		usleep(1000);
	worker_wake(t, "others");
	worker_wake(t, NULL);
	while (atomic_load(&turns) < 3)
		usleep(1000);
	worker_stop(&w, &t);
	alarm(0);
	assert_int_equal(atomic_load(&failing_turns), 1);
	assert_int_equal(atomic_load(&turns), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_failing_task_slows_down_and_holds_nobody_up),
		cmocka_unit_test(test_the_end_waits_for_no_interval),
		cmocka_unit_test(test_wake_ups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
