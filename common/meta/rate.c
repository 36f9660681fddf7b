#include "meta/rate.h"

#include "meta/meta_private.h"

#define FORGET_WINDOWS 12 /* what is older is dropped when a new name comes */

static int add_name(struct sql_conn *c, const char *name, int64_t window_us, int64_t length_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_RATE_FORGET);

	sql_bind_i64(st, window_us - FORGET_WINDOWS * length_us);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	st = sql_use(c, STMT_RATE_ADD);
	sql_bind_text(st, name);
	sql_bind_i64(st, window_us);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		return 0;
	case SQL_FAILED:
		return -1;
	default:
		return err_temporary(e, "rate(%s) failed: somebody else counts it at this moment", name);
	}
}

/* Within a transaction. */
static int count(struct sql_conn *c, const char *name, int64_t window_us, int64_t length_us, uint64_t *n_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_RATE_COUNT);

	sql_bind_i64(st, window_us);
	sql_bind_i64(st, window_us);
	sql_bind_text(st, name);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	if (!sql_changed(c) && add_name(c, name, window_us, length_us, e))
		return -1;
	st = sql_use(c, STMT_RATE_GET);
	sql_bind_text(st, name);
	return sql_number(st, n_r, e);
}

int meta_rate_count(struct meta *m, const char *name, int64_t now_us, int64_t window_us, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_LAZY, e) ||
		count(c, name, now_us / window_us * window_us, window_us, n_r, e))
		return -1;
	return sql_commit(c, e);
}
