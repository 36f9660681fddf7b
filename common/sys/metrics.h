/* metrics: what a daemon counts and measures, as Prometheus reads it (text format 0.0.4).
 *
 * A metric is a constant beside the code that changes it, with its name, its labels and its cells; a program lists those that
 * it shows in one table (sys/metrics_server.h). A change is one or two atomic additions: any thread, no lock, no memory.
 * Label values come from tables of ours, never from outside: the number of series is fixed, and nothing of a message, a
 * client or an account is ever in one.
 *
 * Durations are kept in microseconds and shown in seconds. */
#ifndef SYS_METRICS_H
#define SYS_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define METRIC_LABELS_MAX 3
#define METRIC_BOUNDS 16		  /* of each histogram: from half a millisecond to a minute */
#define METRIC_NOT_KNOWN INT64_MIN	  /* a gauge or counter of this value is not shown */

enum metric_kind {
	METRIC_COUNTER,	  /* grows until the process ends */
	METRIC_GAUGE,	  /* any number */
	METRIC_HISTOGRAM, /* of durations */
};

struct metric_label {
	const char *name;
	const char *const *values; /* a NULL among them: cells of that value are not shown */
	size_t n;
};

struct metric_histogram {
	_Atomic uint64_t buckets[METRIC_BOUNDS + 1]; /* each by itself, not summed up; the last: longer than all bounds */
	_Atomic uint64_t sum_us;
};

struct metric {
	enum metric_kind kind;
	const char *name, *help;
	struct metric_label labels[METRIC_LABELS_MAX]; /* in order; a name of NULL ends them */
	bool seconds;			/* counters and gauges: cells are microseconds */
	bool sparse;			/* cells that were never changed are not shown: where most never are */
	_Atomic int64_t *cells;		/* counters and gauges: metric_cells() of them */
	struct metric_histogram *histograms; /* histograms: the same */
};

/* How many cells a metric has: one for each combination of label values. */
size_t metric_cells(const struct metric *m);

/* The cell of these values, by their places in the labels' tables; places of labels that m does not have are 0. */
size_t metric_cell(const struct metric *m, size_t first, size_t second, size_t third);

void metric_add(const struct metric *m, size_t cell, int64_t n);
void metric_set(const struct metric *m, size_t cell, int64_t value);

/* One more of a histogram that took so long. */
void metric_observe(const struct metric *m, size_t cell, int64_t us);

/* Its value now; of a histogram how many there were. */
int64_t metric_get(const struct metric *m, size_t cell);

/* Adds # HELP, # TYPE and the series of one metric. -1: b is full. */
int metric_print(struct buf *b, const struct metric *m) MUST_CHECK;

#endif
