/* metrics: what strongroom-workerd shows to Prometheus: its own work, and the state of the whole installation, which it looks
 * up in the database now and then. */
#ifndef WORKERD_METRICS_H
#define WORKERD_METRICS_H

#include "sys/metrics_server.h"
#include "workerd/worker.h"

#define WORKER_TASKS_MAX 32 /* that have metrics */

/* Starts the listener of the configuration, if it has one, before the archive is open and the n tasks run. */
int worker_metrics_start(struct metrics_server **s_r, const struct conf *conf, const struct task *const *tasks, size_t n,
	struct err *e) MUST_CHECK;

void worker_metrics_opened(void);

/* A turn of the task with this place among them has ended. */
void worker_metrics_turn(size_t task, bool failed);

#endif
