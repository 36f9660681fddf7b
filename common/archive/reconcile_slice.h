/* reconcile_slice: one slice of a walk of the reconciler, and what is found in it. For the reconcile files. */
#ifndef ARCHIVE_RECONCILE_SLICE_H
#define ARCHIVE_RECONCILE_SLICE_H

#include "archive/archive_private.h"
#include "archive/reconcile.h"
#include "meta/reconcile.h"

struct slice {
	struct archive *archive;
	const atomic_bool *stop;
	bool quiet; /* its findings were said before */
	int64_t from_us, until_us, now_us;
	struct uuid from, until; /* the same as ids */
	struct reconcile_rows rows;
	struct reconcile_tally tally;
	struct reconcile_orphan *orphans;
	size_t orphan_count;
	struct reconcile_alarm *alarms;
	size_t alarm_count;
};

void slice_deinit(struct slice *s);

/* Adds one finding, and says so in the log unless the slice is quiet. */
void slice_alarm(struct slice *s, const struct uuid *id, enum reconcile_alarm_kind kind, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

enum slice_result {
	SLICE_FAILED = -1,
	SLICE_DONE = 0,
	SLICE_LATER = 1, /* not now: asked to stop, or the index is being rebuilt. Nothing of it may be kept */
};

/* reconcile_store.c: the objects of the slice against its rows. */
enum slice_result slice_look_at_store(struct slice *s, struct err *e) MUST_CHECK;

/* reconcile_index.c: the index against the rows. */
enum slice_result slice_look_at_index(struct slice *s, struct err *e) MUST_CHECK;

/* reconcile_object.c: is the row long enough by its policy? Adds its findings to the slice. */
void slice_check_row(struct slice *s, const struct reconcile_row *row);

/* The row's object, by asking the store: there, whole, protected, locked for long enough? *whole_r: there and whole. */
int slice_check_object(struct slice *s, const struct reconcile_row *row, bool *whole_r, struct err *e) MUST_CHECK;

#endif
