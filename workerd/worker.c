#include "workerd/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "workerd/metrics.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define PAUSE_MAX_US (60 * CLOCK_SECOND)

struct running {
	struct worker *w;
	const struct task *task;
	size_t place; /* among the tasks */
	pthread_t thread;
	unsigned failures; /* one after the other */
	int wake_fd;	   /* readable after worker_wake() */
};

struct worker_threads {
	struct running *items;
	size_t n;
};

static int64_t interval_of(const struct running *r)
{
	if (r->task->every_us)
		return r->task->every_us;
	return *(const int64_t *)(const void *)((const char *)r->w->conf + r->task->interval);
}

/* A tenth up or down, so that machines that were started together don't stay together. */
static int64_t jitter(int64_t us)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 1u << 31;
	return us - us / 10 + (int64_t)((double)random / UINT32_MAX * (double)(us / 5));
}

static int64_t pause_of(const struct running *r)
{
	int64_t pause = interval_of(r);

	for (unsigned i = 0; i < r->failures && pause < PAUSE_MAX_US; i++)
		pause *= 2;
	return jitter(r->failures && pause > PAUSE_MAX_US ? PAUSE_MAX_US : pause);
}

/* Sleeps until the pause is over, the end is near, or (with_wake) somebody wakes it: then true. */
static bool sleep_for(const struct running *r, int64_t us, bool with_wake)
{
	struct pollfd p[] = { { .fd = r->w->stop_fd, .events = POLLIN }, { .fd = r->wake_fd, .events = POLLIN } };

	if (poll(p, with_wake ? 2 : 1, (int)(us / 1000)) < 0 && errno != EINTR)
		log_fatal(NULL, "poll() failed: %s", strerror(errno));
	return p[1].revents != 0;
}

/* A task that fails is not hurried. */
static void rest(struct running *r)
{
	int64_t pause_us = pause_of(r), began_us = clock_monotonic_us();
	eventfd_t wakes;

	if (!sleep_for(r, pause_us, r->task->wake && !r->failures) || eventfd_read(r->wake_fd, &wakes))
		return;
	int64_t left_us = began_us + pause_us - clock_monotonic_us(), settle_us = r->task->settle_us(r->w->conf);

	if (left_us > 0)
		sleep_for(r, settle_us < left_us ? settle_us : left_us, false);
}

static void take_turn(struct running *r)
{
	struct err e = { 0 };
	int failed = r->task->run(r->w, &e);

	worker_metrics_turn(r->place, failed);
	if (!failed) {
		if (r->failures)
			log_info(NULL, "%s works again", r->task->name);
		r->failures = 0;
		return;
	}
	r->failures++;
	log_error(NULL, "%s failed (%u times by now) and is tried again: %s", r->task->name, r->failures, e.text);
}

static void *run_task(void *arg)
{
	struct running *r = arg;

	while (!atomic_load(&r->w->stop)) {
		take_turn(r);
		rest(r);
	}
	return NULL;
}

struct worker_threads *worker_start(struct worker *w, const struct task *const *tasks, size_t n, struct err *e)
{
	struct worker_threads *t = MEM_NEW(struct worker_threads);

	t->items = MEM_ARRAY(struct running, n);
	w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->stop_fd < 0)
		log_fatal(NULL, "eventfd() failed: %s", strerror(errno));
	for (; t->n < n; t->n++) {
		struct running *r = &t->items[t->n];

		*r = (struct running){ .w = w, .task = tasks[t->n], .place = t->n, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
		if (r->wake_fd < 0)
			log_fatal(NULL, "eventfd() failed: %s", strerror(errno));
		errno = pthread_create(&r->thread, NULL, run_task, r);
		if (errno) {
			err_errno(e, "pthread_create", r->task->name);
			close(r->wake_fd);
			worker_stop(w, &t);
			return NULL;
		}
	}
	return t;
}

void worker_stop(struct worker *w, struct worker_threads **t)
{
	if (!*t)
		return;
	atomic_store(&w->stop, true);
	if (eventfd_write(w->stop_fd, 1))
		log_fatal(NULL, "eventfd_write() failed: %s", strerror(errno));
	for (size_t i = 0; i < (*t)->n; i++) {
		pthread_join((*t)->items[i].thread, NULL);
		close((*t)->items[i].wake_fd);
	}
	close(w->stop_fd);
	free((*t)->items);
	free(*t);
	*t = NULL;
}

void worker_wake(struct worker_threads *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct running *r = &t->items[i];

		if (r->task->wake && (!name || strcmp(r->task->wake, name) == 0) && eventfd_write(r->wake_fd, 1))
			log_fatal(NULL, "eventfd_write() failed: %s", strerror(errno));
	}
}
