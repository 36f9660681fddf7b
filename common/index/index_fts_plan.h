/* index_fts_plan: what is looked up for a query within a scope.
 *
 * All text that is joined by AND, OR and NOT alone becomes one FTS5 expression; dates become
 * ranges of rows; what neither can tell (exact sizes, dates within a second, very large scopes)
 * is checked row by row. Only where OR or NOT mix these is there more than one leaf.
 * index_fts_walk.h evaluates. */
#ifndef INDEX_INDEX_FTS_PLAN_H
#define INDEX_INDEX_FTS_PLAN_H

#include "index/index_fts_db.h"
#include "index/index_fts_match.h"
#include "index/query.h"
#include "mail/scope.h"

/* How a scope of mailboxes is kept to. FTS5 looks each word of an OR up in every segment, a
 * tenth of a millisecond, and then looks at every word for every row. So few mailboxes stand in
 * the expression; more are looked up in the row of each candidate, until it shows that most
 * candidates lie outside: then they go into the expression after all. Very many never do. */
#define FTS_SCOPE_FEW 16
#define FTS_SCOPE_MANY 1024

enum fts_plan_kind {
	PLAN_LEAF,   /* rows low .. high that match and pass the checks */
	PLAN_AND,    /* in both */
	PLAN_OR,     /* in either */
	PLAN_EXCEPT, /* in left, not in right */
};

struct fts_plan {
	enum fts_plan_kind kind;
	struct fts_plan *left, *right;
	/* LEAF */
	struct fts_match match;
	int64_t low, high;		/* rows, both included */
	int64_t size_low, size_high;	/* half open; INT64_MIN and INT64_MAX: unchecked */
	int64_t date_low, date_high;	/* the same, in microseconds */
	bool check_members;		/* one of the scope's mailboxes took part */
	struct fts_match members;	/* says the same, for when checking turns out dear; may be missing */
	/* LEAF while it is walked */
	sqlite3_stmt *statement;
	int64_t at;
	bool done;
	unsigned checked, passed;
};

/* db is asked for the words that begin like a prefix, in the transaction in which the plan is
 * walked; without it (NULL) FTS5 is left to find them. Caller frees. -1 temporary, from db
 * alone. */
int fts_plan_make(struct fts_plan **p_r, const struct query *q, const struct scope *scope, struct tokenizer *t,
	struct fts_db *db, struct err *e) MUST_CHECK;
void fts_plan_freep(struct fts_plan **p);

#endif
