#include "milter/progress.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define TICKS 10 /* an interval: how exact it is */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct progress_wait *first; /* by lock */
static int64_t interval;	    /* set before the thread starts */

static void sleep_us(int64_t us)
{
	struct timespec t = { .tv_sec = us / CLOCK_SECOND, .tv_nsec = us % CLOCK_SECOND * 1000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static void *tell_all(void *unused)
{
	(void)unused;
	for (;;) {
		sleep_us(interval / TICKS);
		pthread_mutex_lock(&lock);
		int64_t now = clock_monotonic_us();

		for (struct progress_wait *w = first; w; w = w->next) {
			if (now < w->due_us)
				continue;
			w->tell(w->ctx);
			w->due_us = now + interval;
		}
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int progress_start(int64_t interval_us, struct err *e)
{
	pthread_t thread;

	interval = interval_us;
	errno = pthread_create(&thread, NULL, tell_all, NULL);
	if (errno)
		return err_errno(e, "pthread_create", "progress");
	pthread_detach(thread);
	return 0;
}

void progress_enter(struct progress_wait *w, void (*tell)(void *ctx), void *ctx)
{
	w->tell = tell;
	w->ctx = ctx;
	w->due_us = clock_monotonic_us() + interval;
	w->previous = NULL;
	pthread_mutex_lock(&lock);
	w->next = first;
	if (first)
		first->previous = w;
	first = w;
	pthread_mutex_unlock(&lock);
}

void progress_leave(struct progress_wait *w)
{
	pthread_mutex_lock(&lock);
	if (w->previous)
		w->previous->next = w->next;
	else
		first = w->next;
	if (w->next)
		w->next->previous = w->previous;
	pthread_mutex_unlock(&lock);
}
