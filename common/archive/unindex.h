/* unindex: takes off the index what was disposed of. For workerd. */
#ifndef ARCHIVE_UNINDEX_H
#define ARCHIVE_UNINDEX_H

#include "archive/archive.h"

/* Each message is removed once, and once more when nobody can be adding it any longer who did not know. -1: the index or the
 * database failed; permanent when the index needs archive_reindex(). One thread at a time. */
int archive_unindex(struct archive *a, struct err *e) MUST_CHECK;

#endif
