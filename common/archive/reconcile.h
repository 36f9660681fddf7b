/* reconcile: do store, database and index hold the same? Walks over the archive, keeps what it finds (meta/reconcile.h),
 * and mends what can be mended without anybody: a message that the index lacks is put on the outbox.
 *
 * There are four walks: over what is new and over everything, each against the store and against the index. A slice of a
 * walk is a range of time within one UTC day with at most RECONCILE_ROWS messages; its findings, the account of the day
 * and the walk's place are kept in one transaction, so that an end at any moment costs one slice. Nothing is ever deleted. */
#ifndef ARCHIVE_RECONCILE_H
#define ARCHIVE_RECONCILE_H

#include "archive/archive.h"

#include <stdatomic.h>

#define RECONCILE_ROWS 20000	/* messages in a slice */
#define RECONCILE_LOOKED_AT 2000 /* objects of a slice that are asked about one by one, spread over it: their locks */

/* One round: looks again at what was found wrong, at what has come since the last round, and at as much of everything as
 * is due by now (all of it within conf->workerd_reconcile_full_us). Returns early, with 0, when *stop is set. One thread at
 * a time. -1 temporary: the store, the database or the index does not work; what was done stays done. */
int archive_reconcile(struct archive *a, const atomic_bool *stop, struct err *e) MUST_CHECK;

#endif
