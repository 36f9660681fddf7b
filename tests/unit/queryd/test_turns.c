/* Turns: bounded, handed out by account, and nobody starves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "queryd/turns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define SOON (clock_monotonic_us() + CLOCK_SECOND / 20)
#define LATER (clock_monotonic_us() + 60 * CLOCK_SECOND)

static struct turns *turns;
static atomic_int order; /* of the turns that were handed out */

struct thread {
	pthread_t id;
	uint64_t account;
	int place; /* 0: none yet */
	enum turn result;
};

static void *wait_for_turn(void *arg)
{
	struct thread *t = arg;

	t->result = turns_take(turns, t->account, LATER);
	t->place = atomic_fetch_add(&order, 1) + 1;
	if (t->result == TURN_TAKEN)
		turns_give(turns, t->account);
	return NULL;
}

/* Returns when it waits. */
static void start(struct thread *t, uint64_t account)
{
	uint64_t waiting = turns_count(turns).waiting;

	*t = (struct thread){ .account = account };
	assert_int_equal(pthread_create(&t->id, NULL, wait_for_turn, t), 0);
	while (turns_count(turns).waiting == waiting)
		usleep(1000);
}

static int set_up(void **state)
{
	(void)state;
	turns = turns_new(4, 3);
	atomic_store(&order, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(turns_count(turns).running + turns_count(turns).waiting, 0);
	turns_freep(&turns);
	return 0;
}

static void test_half_is_for_others(void **state)
{
	(void)state;
	assert_int_equal(turns_take(turns, 1, SOON), TURN_TAKEN);
	assert_int_equal(turns_take(turns, 1, SOON), TURN_TAKEN);
	assert_int_equal(turns_take(turns, 1, SOON), TURN_LATE);
	assert_int_equal(turns_take(turns, 2, SOON), TURN_TAKEN);
	assert_int_equal(turns_count(turns).running, 3);
	turns_give(turns, 1);
	assert_int_equal(turns_take(turns, 1, SOON), TURN_TAKEN);
	turns_give(turns, 1);
	turns_give(turns, 1);
	turns_give(turns, 2);
}

static void test_all_taken(void **state)
{
	(void)state;
	for (uint64_t account = 1; account <= 4; account++)
		assert_int_equal(turns_take(turns, account, SOON), TURN_TAKEN);
	assert_int_equal(turns_take(turns, 5, SOON), TURN_LATE);
	assert_int_equal(turns_count(turns).waiting, 0);
	for (uint64_t account = 1; account <= 4; account++)
		turns_give(turns, account);
}

static void test_the_queue_is_bounded(void **state)
{
	struct thread threads[3];

	(void)state;
	assert_int_equal(turns_take(turns, 1, SOON), TURN_TAKEN);
	assert_int_equal(turns_take(turns, 1, SOON), TURN_TAKEN);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		start(&threads[i], 1);
	assert_int_equal(turns_take(turns, 1, LATER), TURN_FULL);
	assert_int_equal(turns_take(turns, 2, SOON), TURN_TAKEN); /* others are not kept out */
	turns_give(turns, 2);
	turns_give(turns, 1);
	turns_give(turns, 1);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i].id, NULL);
}

/* Who has none running goes before who came earlier. */
static void test_the_least_served_goes_first(void **state)
{
	struct thread busy[2], light;

	(void)state;
	assert_int_equal(turns_take(turns, 1, SOON), TURN_TAKEN);
	for (uint64_t account = 11; account <= 13; account++)
		assert_int_equal(turns_take(turns, account, SOON), TURN_TAKEN);
	start(&busy[0], 1);
	start(&busy[1], 1);
	start(&light, 2);
	turns_give(turns, 11);
	pthread_join(light.id, NULL);
	for (size_t i = 0; i < 2; i++)
		pthread_join(busy[i].id, NULL);
	assert_int_equal(light.result, TURN_TAKEN);
	assert_int_equal(light.place, 1);
	turns_give(turns, 1);
	turns_give(turns, 12);
	turns_give(turns, 13);
}

static void *take_and_give(void *account)
{
	for (int i = 0; i < 2000; i++) {
		if (turns_take(turns, *(uint64_t *)account, LATER) != TURN_TAKEN)
			return account;
		if (turns_count(turns).running > 4)
			return account;
		turns_give(turns, *(uint64_t *)account);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	static uint64_t accounts[] = { 1, 1, 1, 2, 2, 3, 4, 5 };
	pthread_t threads[ARRAY_LEN(accounts)];
	void *failed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &accounts[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_half_is_for_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_queue_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_least_served_goes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_threads, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
