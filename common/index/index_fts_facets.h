/* index_fts_facets: counts rows by what stands in them, one by one, as a search walks over what matches. One thread. */
#ifndef INDEX_INDEX_FTS_FACETS_H
#define INDEX_INDEX_FTS_FACETS_H

#include "index/index_fts.h"

struct fts_facets;

/* r outlives it. NULL for NULL. db is the one whose rows will be counted. -1 temporary. */
int fts_facets_new(struct fts_facets **facets_r, const struct index_facets_request *r, struct fts *f, struct fts_db *db, struct err *e)
	MUST_CHECK;
void fts_facets_freep(struct fts_facets **f);

/* Another row, newest first, each once; it is not counted when those before were many enough, or took too long. */
int fts_facets_add(struct fts_facets *f, struct fts_db *db, int64_t row, struct err *e) MUST_CHECK;

/* Counts those that were put off: before any are taken. */
int fts_facets_finish(struct fts_facets *f, struct fts_db *db, struct err *e) MUST_CHECK;

/* A row was not counted: no other will be. */
bool fts_facets_full(const struct fts_facets *f);

/* What was counted, which is all there is unless it was full. Once, and finished. */
void fts_facets_take(struct fts_facets *f, struct index_facets *f_r);

#endif
