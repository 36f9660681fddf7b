/* index_fts_match: FTS5 expressions, put together. Pure.
 *
 * FTS5 knows no lone NOT, so an expression is a pair: what must match and what must not; either may be missing. Such
 * pairs are closed under AND, OR and NOT, so any text of a query becomes one of them. */
#ifndef INDEX_INDEX_FTS_MATCH_H
#define INDEX_INDEX_FTS_MATCH_H

#include "index/phrase.h"

#include <stdint.h>

enum { EXPR_ATOM, EXPR_AND, EXPR_OR, EXPR_NOT };

struct fts_expr {
	char *text; /* NULL: none */
	int outer; /* its outermost operator */
	unsigned depth; /* of parentheses; FTS5's parser has a small stack */
};

struct fts_match {
	struct fts_expr must, must_not; /* neither: everything matches */
};

/* FTS5 of SQLite 3.40 refuses deeper expressions than about 30; above this leave joining to the plan. */
#define FTS_DEPTH_MAX 16

struct fts_match fts_match_phrase(const struct phrase *p, unsigned fields);

/* Any of these tokens; n > 0. */
struct fts_match fts_match_terms(const struct strv *terms, unsigned fields);

/* Any of these tokens in the column scope; n > 0. */
struct fts_match fts_match_scope(const char *const *tokens, size_t n);

/* Take over both (or the one); what is missing means everything. */
struct fts_match fts_match_and(struct fts_match a, struct fts_match b);
struct fts_match fts_match_or(struct fts_match a, struct fts_match b); /* neither may match everything */
struct fts_match fts_match_not(struct fts_match a);		       /* a may not match everything */

bool fts_match_is_all(const struct fts_match *m);
unsigned fts_match_depth(const struct fts_match *m);

/* must NOT must_not as one text; must is there. Caller frees. */
char *fts_match_text(const struct fts_match *m);
void fts_match_deinit(struct fts_match *m);

#endif
