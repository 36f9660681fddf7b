/* govern: brings the rules to bear on what was archived before they were made. For workerd.
 *
 * Nothing here is ever shortened. There are walks over the messages that a changed policy reaches, over those of who has come
 * into a department, over those that a new hold holds or a lifted one releases, and behind the newest messages: for those
 * that were captured by rules that were just being changed, or could not be read, and for standing queries. Each goes on
 * where it was cut off. */
#ifndef ARCHIVE_GOVERN_H
#define ARCHIVE_GOVERN_H

#include "archive/archive.h"

#include <stdatomic.h>

/* What was archived up to so long ago may still be under way, and was captured by rules that may be that old. */
#define GOVERN_BEHIND_US (60 * INT64_C(1000000))

/* One turn: returns when all is done, or *stop is set. -1 temporary. One thread at a time. */
int archive_govern(struct archive *a, int64_t behind_us, const atomic_bool *stop, struct err *e) MUST_CHECK;

#endif
