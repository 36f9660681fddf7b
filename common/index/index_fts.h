/* index_fts: the embedded index over SQLite FTS5: `fts:FILE`. The driver's own parts and what they share.
 *
 *	index_fts.c		opening, the pool of readers, the table of functions
 *	index_fts_db.c		one connection, the schema, all SQL
 *	index_fts_tokens.c	FTS5's tokenizer: splits finished tokens
 *	index_fts_row.c		dates and row numbers, cursors
 *	index_fts_scope.c	the tokens of the column scope
 *	index_fts_write.c	adding and removing documents
 *	index_fts_terms.c	the words there are, for prefixes
 *	index_fts_match.c	FTS5 expressions
 *	index_fts_plan.c	query and scope -> plan
 *	index_fts_walk.c	plan -> rows, newest first
 *	index_fts_search.c	a page: rows, count, snippets
 *	index_fts_facets.c	counting what matches by its values
 *	index_fts_values.c	these values, in memory
 *	index_fts_damage.c	a note beside the file that it is damaged
 *	index_fts_gate.c	locks around the file's name
 *	index_fts_rebuild.c	building another file beside it and putting it in its place */
#ifndef INDEX_INDEX_FTS_H
#define INDEX_INDEX_FTS_H

#include "index/index_driver.h"
#include "index/index_fts_db.h"
#include "index/index_fts_values.h"

#include <pthread.h>
#include <stdatomic.h>

struct fts {
	struct index base;
	char *path;
	pthread_mutex_t pool_lock;
	pthread_cond_t given_back; /* a reader */
	struct fts_db *idle;	   /* readers that nobody uses, guarded by pool_lock */
	unsigned readers;	   /* in use, guarded by pool_lock */
	atomic_uint waiting;	   /* for a reader */
	struct fts_values_place values; /* what facets count by */
	pthread_mutex_t write_lock;
	struct fts_db *writer;	   /* guarded by write_lock; NULL while there is none */
	int gate;		   /* -1 until first used by a writer; guarded by write_lock */
	char *live;		   /* of a rebuild: the file whose place it takes; else NULL */
	int rebuild;		   /* of a rebuild: descriptor that holds GATE_REBUILD; else -1 */
};

static inline struct fts *fts_of(struct index *i)
{
	return CONTAINER_OF(i, struct fts, base);
}

struct fts *fts_new(const char *path, enum index_mode mode);
void fts_freep(struct fts **f);

/* A reader of the file as it is now, for one thread; give it back with fts_reader_put. Each has a cache of its own, so only
 * so many are there, and who comes when all are taken waits: a thread takes one at a time. -1 temporary. */
#define FTS_READERS_MAX 16
int fts_reader_get(struct fts_db **db_r, struct fts *f, struct err *e) MUST_CHECK;
void fts_reader_put(struct fts *f, struct fts_db *db, bool sound);

/* Does somebody wait for a reader? Then nobody goes on with what an answer can do without. */
bool fts_is_awaited(const struct fts *f);

/* Closes the readers that nobody uses. */
void fts_close_readers(struct fts *f);

int fts_add(struct index *i, const struct index_doc *docs, size_t n, struct err *e) MUST_CHECK;
int fts_remove(struct index *i, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;
int fts_sync(struct index *i, struct err *e) MUST_CHECK;
int fts_search(struct index *i, const struct scope *scope, const struct index_request *r, struct index_page *page_r,
	struct err *e) MUST_CHECK;

/* What the column `facets` of a document holds. */
void fts_pack_facets(struct buf *b, const struct index_doc *d);

int fts_rebuild_begin(struct index **fresh_r, const struct conf *conf, const char *where, const struct index_rebuild *what,
	struct uuid *done_r, struct err *e) MUST_CHECK;
int fts_rebuild_note(struct index *fresh, const struct uuid *done, struct err *e) MUST_CHECK;
void fts_rebuild_suspend(struct index *fresh);
int fts_rebuild_finish(struct index *fresh, struct err *e) MUST_CHECK;
void fts_rebuild_abandon(struct index *fresh);

/* The name of the file beside `path` in which a rebuild grows. Caller frees. */
char *fts_rebuild_path(const char *path);

#endif
