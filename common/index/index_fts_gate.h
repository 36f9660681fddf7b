/* index_fts_gate: the locks around the name of the index file, kept in FILE.lock.
 *
 * SQLite ties a write-ahead log to a file by name, so nobody may open or write FILE while it is being replaced:
 *
 *	GATE_NAME	shared by whoever opens FILE and by each writer for one index_add; exclusive for putting another
 *			file in its place, and for making or removing FILE.new
 *	GATE_REBUILD	exclusive for the life of a rebuild: FILE.new counts while somebody holds it
 *
 * The locks belong to a descriptor (Linux's open file description locks), so threads exclude each other too. */
#ifndef INDEX_INDEX_FTS_GATE_H
#define INDEX_INDEX_FTS_GATE_H

#include "base/err.h"

#include <stdbool.h>

enum fts_gate_lock { GATE_NAME, GATE_REBUILD };

/* A descriptor for the locks of the index file `path`; -1 temporary. */
int fts_gate_open(int *fd_r, const char *path, struct err *e) MUST_CHECK;

/* -1 temporary when it can't be had within some seconds (GATE_REBUILD: at once). Closing the descriptor unlocks too. */
int fts_gate_shared(int fd, enum fts_gate_lock which, struct err *e) MUST_CHECK;
int fts_gate_exclusive(int fd, enum fts_gate_lock which, struct err *e) MUST_CHECK;
void fts_gate_unlock(int fd, enum fts_gate_lock which);

/* Does anybody else hold it? */
bool fts_gate_is_held(int fd, enum fts_gate_lock which);

#endif
