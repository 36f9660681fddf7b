/* progress: tells mail servers that wait for a verdict that work goes on, so that they don't give up.
 *
 * The thread that works on a message can't tell: it is inside archive_put(). One thread for all does it instead, and only
 * while the other is between progress_enter() and progress_leave(): never do two threads write to one mail server. */
#ifndef MILTER_PROGRESS_H
#define MILTER_PROGRESS_H

#include "base/err.h"

#include <stdint.h>

/* One who waits; the caller's, zeroed, in place until progress_leave(). */
struct progress_wait {
	struct progress_wait *previous, *next;
	void (*tell)(void *ctx); /* called from the thread of this module; must not block and not call back */
	void *ctx;
	int64_t due_us; /* monotonic */
};

/* Starts the thread: those who wait are told every interval_us. Once in a process; the thread lives as long as it. */
int progress_start(int64_t interval_us, struct err *e) MUST_CHECK;

/* From now on tell(ctx) may be called. */
void progress_enter(struct progress_wait *w, void (*tell)(void *ctx), void *ctx);

/* tell is not running and will not be called again. */
void progress_leave(struct progress_wait *w);

#endif
