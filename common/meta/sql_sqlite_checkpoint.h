/* sql_sqlite_checkpoint: moves what was committed from a write-ahead log to its database, in a thread of its own, so that
 * no commit waits for it. For sql_sqlite.c only. */
#ifndef META_SQL_SQLITE_CHECKPOINT_H
#define META_SQL_SQLITE_CHECKPOINT_H

#include "base/err.h"

#include <sqlite3.h>

struct checkpointer;

/* Watches the commits of `writer` (its wal hook is taken). path must outlive the checkpointer. */
int checkpointer_start(struct checkpointer **cp_r, const char *path, sqlite3 *writer,
	struct err *e) MUST_CHECK;

/* Before the writer is closed. */
void checkpointer_stopp(struct checkpointer **cp);

#endif
