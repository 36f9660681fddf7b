/* index_fts_terms: the table `term`: every token that a text of a document gave, so that the
 * beginning of a word can be turned into the words that begin so.
 *
 * FTS5 answers a prefix it has no index for by gathering the rows of all words that begin so
 * before it gives the first, and indexes for prefixes cost as much time and room as the words
 * themselves. An OR of words it answers row by row, newest first. The tokens of the column scope
 * are not in the table: no prefix can ask for them. */
#ifndef INDEX_INDEX_FTS_TERMS_H
#define INDEX_INDEX_FTS_TERMS_H

#include "base/strv.h"
#include "index/index_fts_db.h"

/* Terms that this connection need not write, because it did already; bounded. */
struct fts_terms_known;
void fts_terms_known_freep(struct fts_terms_known **k);

/* Adds the tokens of a column as fts_tokens_* takes it; inside the transaction that adds the
 * document. When that is rolled back, fts_terms_forget. -1 temporary. */
int fts_terms_add(struct fts_db *db, const char *column, size_t n, struct err *e) MUST_CHECK;
void fts_terms_forget(struct fts_db *db);

/* Prefixes of fewer characters have indexes of FTS5's own, being those of too many words. */
#define FTS_TERMS_PREFIX_MIN 4

/* More words for one prefix are dearer one by one than gathered by FTS5: looking one up in all
 * segments takes some 50 microseconds. More in one query take too much memory, some pages each. */
#define FTS_TERMS_MAX 1024
#define FTS_TERMS_QUERY_MAX 4096

/* The terms that begin with prefix, in *terms_r, which the caller deinits. None when they are
 * more than `most` or the prefix is shorter than FTS_TERMS_PREFIX_MIN: ask FTS5 for the prefix
 * then. -1 temporary. */
int fts_terms_expand(struct strv *terms_r, struct fts_db *db, const char *prefix, size_t most, struct err *e) MUST_CHECK;

#endif
