#include "meta/by_ids.h"

#include "base/mem.h"

#include <string.h>

/* Looks from *at on, as mostly it is this one or the next. false for an id that nobody asked for. */
static bool find(const struct uuid *ids, size_t n, struct sql_stmt *st, size_t *at)
{
	struct uuid id;

	sql_get_uuid(st, &id);
	for (size_t i = 0; i < n; i++, *at = (*at + 1) % n)
		if (memcmp(id.bytes, ids[*at].bytes, UUID_SIZE) == 0)
			return true;
	return false;
}

int by_ids_load(struct sql_conn *c, enum statement s, const struct uuid *ids, size_t n, by_ids_take *take, void *ctx, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, s);
	enum sql_result step;
	size_t at = 0;

	sql_bind_ids(st, ids, n);
	while ((step = sql_step(st, e)) == SQL_ROW)
		if (find(ids, n, st, &at))
			take(ctx, at, st);
	return step == SQL_DONE ? 0 : -1;
}

void *by_ids_grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : mem_realloc(list, n ? 2 * n : 1, size);
}
