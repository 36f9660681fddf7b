#include "archive/indexed.h"

#include "base/clock.h"
#include "base/log.h"
#include "meta/maintenance.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define CLEAR_AT_ONCE 512
#define IDLE_US (CLOCK_SECOND / 4) /* no group for so long: clear without one */

struct indexed {
	struct meta *meta;
	pthread_t thread;
	pthread_mutex_t clearing; /* held until what was taken is off the outbox; taken before the other */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: */
	struct uuid *ids;
	size_t n, cap;
	int64_t taken_us; /* when a group last asked; monotonic */
	bool stop;
};

void indexed_add(struct indexed *x, const struct uuid *ids, size_t n)
{
	pthread_mutex_lock(&x->lock);
	if (x->n + n > x->cap) {
		x->cap = 2 * (x->n + n);
		x->ids = mem_realloc(x->ids, x->cap, sizeof(*x->ids));
	}
	if (n)
		memcpy(x->ids + x->n, ids, n * sizeof(*ids));
	x->n += n;
	pthread_cond_signal(&x->wake);
	pthread_mutex_unlock(&x->lock);
}

/* The lock is held. */
static size_t take(struct indexed *x, struct uuid *ids_r, size_t max)
{
	size_t n = x->n < max ? x->n : max;

	x->n -= n;
	if (n)
		memcpy(ids_r, x->ids + x->n, n * sizeof(*ids_r));
	return n;
}

size_t indexed_take(struct indexed *x, struct uuid *ids_r, size_t max)
{
	int64_t now = clock_monotonic_us();

	pthread_mutex_lock(&x->lock);
	size_t n = take(x, ids_r, max);

	x->taken_us = now;
	pthread_mutex_unlock(&x->lock);
	return n;
}

/* Nobody else clears meanwhile: who returns from here may list the outbox and meet nothing that is done. */
int indexed_clear(struct indexed *x, struct err *e)
{
	struct uuid ids[CLEAR_AT_ONCE];
	int failed = 0;
	size_t n;

	pthread_mutex_lock(&x->clearing);
	do {
		pthread_mutex_lock(&x->lock);
		n = take(x, ids, CLEAR_AT_ONCE);
		pthread_mutex_unlock(&x->lock);
		failed = n ? meta_outbox_clear(x->meta, ids, n, e) : 0;
	} while (n && !failed);
	pthread_mutex_unlock(&x->clearing);
	return failed;
}

static void clear_or_warn(struct indexed *x)
{
	struct err e = { 0 };

	if (indexed_clear(x, &e))
		log_warn(NULL, "some messages are indexed but stay on the outbox: %s", e.text);
}

/* Until there are some and no group came for a while; the lock is held. */
static void wait_for_idleness(struct indexed *x)
{
	for (;;) {
		int64_t idle_at = x->taken_us + IDLE_US;

		if (x->stop || (x->n && clock_monotonic_us() >= idle_at))
			return;
		if (x->n) {
			struct timespec t = {
				.tv_sec = (time_t)(idle_at / CLOCK_SECOND),
				.tv_nsec = (long)(idle_at % CLOCK_SECOND) * 1000,
			};

			pthread_cond_timedwait(&x->wake, &x->lock, &t);
		} else {
			pthread_cond_wait(&x->wake, &x->lock);
		}
	}
}

static void *run_thread(void *arg)
{
	struct indexed *x = arg;
	bool stop;

	do {
		pthread_mutex_lock(&x->lock);
		wait_for_idleness(x);
		stop = x->stop;
		pthread_mutex_unlock(&x->lock);
		clear_or_warn(x);
	} while (!stop);
	return NULL;
}

struct indexed *indexed_new(struct meta *meta)
{
	struct indexed *x = MEM_NEW(struct indexed);
	pthread_condattr_t a;

	x->meta = meta;
	pthread_mutex_init(&x->clearing, NULL);
	pthread_mutex_init(&x->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&x->wake, &a);
	pthread_condattr_destroy(&a);
	if (pthread_create(&x->thread, NULL, run_thread, x))
		log_fatal(NULL, "pthread_create(indexed) failed: out of threads");
	return x;
}

void indexed_freep(struct indexed **x)
{
	struct indexed *was = *x;

	*x = NULL;
	if (!was)
		return;
	pthread_mutex_lock(&was->lock);
	was->stop = true;
	pthread_cond_signal(&was->wake);
	pthread_mutex_unlock(&was->lock);
	pthread_join(was->thread, NULL);
	pthread_cond_destroy(&was->wake);
	pthread_mutex_destroy(&was->lock);
	pthread_mutex_destroy(&was->clearing);
	free(was->ids);
	free(was);
}
