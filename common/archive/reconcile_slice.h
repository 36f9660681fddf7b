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

/* reconcile_object.c: is the row long enough by its policy? One that was disposed of need not be. Adds its findings to the slice. */
void slice_check_row(struct slice *s, const struct reconcile_row *row);

enum slice_object {
	SLICE_OBJECT_WHOLE,    /* there, of its length */
	SLICE_OBJECT_FAULTY,   /* gone, or another */
	SLICE_OBJECT_DISPOSED, /* rightly gone, or on its way */
};

/* The row's object, by asking the store: there, whole, protected, locked for long enough? Of what was removed: not there? */
int slice_check_object(struct slice *s, const struct reconcile_row *row, enum slice_object *object_r, struct err *e) MUST_CHECK;

/* The store answers others, but not about this one: that is this object's fault, and must not hold up the walk. -1: it answers
 * nobody. */
int slice_tell_unreadable(struct slice *s, const struct reconcile_row *row, struct err *e) MUST_CHECK;

/* reconcile_disposed.c: were all messages of the slice that are disposed of to be, by an approved disposition, and does nothing keep
 * them? */
enum slice_result slice_check_disposed(struct slice *s, struct err *e) MUST_CHECK;

/* The same of up to KEEPING_AT_ONCE messages, and of what is to be removed besides. */
int slice_check_approvals(struct slice *s, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;

/* No version of it is to be there once it is said to be removed. */
int slice_check_removed(struct slice *s, const struct reconcile_row *row, struct err *e) MUST_CHECK;

/* The object is there again, or still, in some version. */
void slice_tell_returned(struct slice *s, const struct locator *where, const struct uuid *id);

#endif
