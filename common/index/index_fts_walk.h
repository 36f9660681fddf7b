/* index_fts_walk: evaluates a plan lazily, newest first, on one connection inside one read transaction. */
#ifndef INDEX_INDEX_FTS_WALK_H
#define INDEX_INDEX_FTS_WALK_H

#include "index/index_fts_db.h"
#include "index/index_fts_plan.h"

/* A search that takes longer than this is given up with a temporary error. */
#define FTS_SEARCH_US_MAX (10 * INT64_C(1000000))

struct fts_walk {
	struct fts_db *db;
	struct fts_plan *plan;
	uint8_t *members; /* digests of the scope's mailboxes, sorted, when the plan checks them */
	size_t member_count;
	int64_t deadline_us; /* monotonic */
	unsigned steps;
	enum { GONE_UNKNOWN, GONE_NONE, GONE_SOME } gone;
};

void fts_walk_init(struct fts_walk *w, struct fts_db *db, struct fts_plan *plan, const struct scope *scope);
void fts_walk_deinit(struct fts_walk *w);

/* The greatest row of the result that is at most `bound`: 1 with *row_r, 0 when there is none, -1. From call to call the
 * bound may only fall. *row_r means nothing unless 1 is returned. */
int fts_walk_next(struct fts_walk *w, int64_t bound, int64_t *row_r, struct err *e) MUST_CHECK;

#endif
