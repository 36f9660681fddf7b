/* worker: what the tasks of strongroom-workerd share, and how they are run: each in a thread of its own, again and again
 * after its interval; after a failure with pauses that double, up to a minute. */
#ifndef WORKERD_WORKER_H
#define WORKERD_WORKER_H

#include "archive/archive.h"
#include "cache/cache.h"

#include <stdatomic.h>

struct worker {
	const struct conf *conf;
	struct archive *archive;
	struct cache *cache;
	atomic_bool stop; /* tasks finish the batch they are at and return */
	int stop_fd;	  /* readable when stop is set */
};

struct task {
	const char *name;
	size_t interval; /* offset of a duration in struct conf */
	int64_t every_us; /* instead, where nobody would want to set it */
	const char *wake; /* cache/cache.h: a wake-up of this name brings its next turn forward; NULL: none */
	int64_t (*settle_us)(const struct conf *conf); /* how long after a wake-up: what it is about must be ripe */
	/* One turn. -1: it is tried again after a longer pause. */
	int (*run)(struct worker *w, struct err *e);
};

extern const struct task outbox_task, postfix_task, reconcile_task, partitions_task, metrics_task, govern_task, export_task,
	export_clear_task, audit_file_task, audit_syslog_task;

/* Runs the tasks until w->stop is set with worker_stop() and all have returned. */
struct worker_threads;
struct worker_threads *worker_start(struct worker *w, const struct task *const *tasks, size_t n, struct err *e)
	MUST_CHECK;
void worker_stop(struct worker *w, struct worker_threads **t);

/* Brings forward the turns of the tasks with this `wake` (NULL: of all that have one). Any thread; between worker_start() and
 * worker_stop(). */
void worker_wake(struct worker_threads *t, const char *name);

#endif
