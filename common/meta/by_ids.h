/* by_ids: the rows of a list of ids. */
#ifndef META_BY_IDS_H
#define META_BY_IDS_H

#include "meta/sql.h"

/* Has take() take the rows of a statement with ((?)), whose first column is the id: it is ids[i], of which there are at most
 * SQL_IDS_MAX; the next column is the second. */
typedef void by_ids_take(void *ctx, size_t i, struct sql_stmt *st);
int by_ids_load(struct sql_conn *c, enum statement s, const struct uuid *ids, size_t n, by_ids_take *take, void *ctx, struct err *e)
	MUST_CHECK;

/* Room for one more item behind n; doubles. */
void *by_ids_grow(void *list, size_t n, size_t size);

#endif
