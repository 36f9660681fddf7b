/* stored: archived messages that the index still waits for. */
#ifndef ARCHIVE_STORED_H
#define ARCHIVE_STORED_H

#include "archive/archive_private.h"

/* Puts messages that are on the outbox, no more than STORED_AHEAD (archive/stored_reader.h), into the index and takes them
 * off it. done_r[i] says whether ids[i] was; those that can't be had, or that the index refuses, stay. -1 when the index,
 * the database, the store or the parser fails: permanent when the index is damaged. */
int stored_index(struct archive *a, const struct uuid *ids, size_t n, bool *done_r, struct err *e) MUST_CHECK;

#endif
