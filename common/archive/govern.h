/* govern: brings the rules to bear on what was archived before they were made. For workerd.
 *
 * Nothing here is ever shortened. Two walks: over the messages that a changed policy reaches, and behind the newest
 * messages, for those that were captured by rules that were just being changed, or could not be read. Both go on where they
 * were cut off. */
#ifndef ARCHIVE_GOVERN_H
#define ARCHIVE_GOVERN_H

#include "archive/archive.h"

#include <stdatomic.h>

/* One turn: returns when all is done, or *stop is set. -1 temporary. One thread at a time. */
int archive_govern(struct archive *a, const atomic_bool *stop, struct err *e) MUST_CHECK;

#endif
