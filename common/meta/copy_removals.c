#include "meta/copy.h"
#include "meta/disposed.h"
#include "meta/meta_private.h"

static int add_removed(struct sql_conn *c, const struct disposed *d, int64_t now_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_REMOVED_ADD);

	sql_bind_uuid(st, &d->id);
	sql_bind_i64(st, now_us);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static int add_work(struct sql_conn *c, const struct disposed *d, int64_t now_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_REMOVAL_ADD);

	sql_bind_uuid(st, &d->id);
	sql_bind_uuid(st, &d->disposition);
	sql_bind_i64(st, now_us);
	sql_bind_u64(st, 0);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

int meta_copy_removals(struct meta *to, const struct disposed *gone, size_t gone_count, const struct disposed *there,
	size_t there_count, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (gone_count + there_count == 0)
		return 0;
	if (sql_writer(to->capture, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	for (size_t i = 0; i < gone_count; i++)
		if (add_removed(c, &gone[i], now_us, e))
			return -1;
	for (size_t i = 0; i < there_count; i++)
		if (add_work(c, &there[i], now_us, e))
			return -1;
	/* what is finished there is not here */
	return there_count && sql_run(sql_use(c, STMT_COPY_DISPOSAL_OPEN), e) != SQL_DONE ? -1 : sql_commit(c, e);
}
