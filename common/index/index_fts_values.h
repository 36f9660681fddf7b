/* index_fts_values: what facets count by, of the documents that were counted lately, in memory.
 *
 * A document never changes and its row is never given to another one, so what was read of a row once holds for as long as the
 * file is the same. Reading it again costs a page of the file for nearly every row, as rows that match lie far apart. Texts are
 * kept once, whoever wrote them: a row takes 16 bytes, and where it stands is nobody's choice. Any thread. */
#ifndef INDEX_INDEX_FTS_VALUES_H
#define INDEX_INDEX_FTS_VALUES_H

#include "index/index_fts_db.h"

#include <pthread.h>
#include <stdint.h>

struct fts_values;

/* Who has the present ones, of one file. */
struct fts_values_place {
	pthread_mutex_t lock;
	struct fts_values *now; /* NULL until somebody asks */
};

#define FTS_VALUES_BYTES_MAX ((size_t)64 * 1024 * 1024) /* of rows, and half as much of texts; when that is full it begins anew */

void fts_values_init(struct fts_values_place *p);
void fts_values_deinit(struct fts_values_place *p);

/* Those of the connection's file, for as long as the caller keeps them; NULL with *e. -1 temporary. */
int fts_values_take(struct fts_values **v_r, struct fts_values_place *p, struct fts_db *db, struct err *e) MUST_CHECK;
void fts_values_freep(struct fts_values **v);

/* Texts have numbers from 1 on. */
struct fts_value {
	uint32_t month, lists; /* of the text of its month; of fts_pack_facets(); 0: not known */
};

void fts_values_find(struct fts_values *v, const int64_t *rows, size_t n, struct fts_value *found_r);

/* Keeps what a row says, and gives its numbers; false when there is no room. */
bool fts_values_keep(struct fts_values *v, int64_t row, const char *month, const void *lists, size_t n, struct fts_value *value_r);

/* The text of a number that these gave; it stays as long as they do. */
const void *fts_values_text(struct fts_values *v, uint32_t number, size_t *n_r);

#endif
