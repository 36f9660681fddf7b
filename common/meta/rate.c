#include "meta/rate.h"

#include "meta/meta_private.h"

#define FORGET_WINDOWS 12 /* what is older is dropped when a new name comes */
#define TIMES 8		  /* that a count is begun, when others count at the same moment */

/* SQL_DUPLICATE: somebody else has added it in the meantime. */
static enum sql_result add_name(struct sql_conn *c, const char *name, int64_t window_us, int64_t length_us, uint64_t by,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_RATE_FORGET);

	sql_bind_i64(st, window_us - FORGET_WINDOWS * length_us);
	if (sql_run(st, e) == SQL_FAILED)
		return SQL_FAILED;
	st = sql_use(c, STMT_RATE_ADD);
	sql_bind_text(st, name);
	sql_bind_i64(st, window_us);
	sql_bind_u64(st, by);
	return sql_run(st, e);
}

static int count_more(struct sql_conn *c, const char *name, int64_t window_us, uint64_t by, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_RATE_COUNT);

	sql_bind_i64(st, window_us);
	sql_bind_u64(st, by);
	sql_bind_u64(st, by);
	sql_bind_i64(st, window_us);
	sql_bind_text(st, name);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

/* Within a transaction. */
static int count(struct sql_conn *c, const char *name, int64_t window_us, int64_t length_us, uint64_t by, uint64_t *n_r,
	struct err *e)
{
	if (count_more(c, name, window_us, by, e))
		return -1;
	enum sql_result added = sql_changed(c) ? SQL_DONE : add_name(c, name, window_us, length_us, by, e);

	if (added == SQL_FAILED)
		return -1;
	if (added == SQL_DUPLICATE) /* not in this transaction: it shares a lock on the row now with all who came too late */
		return err_conflict(e, "rate_count(%s) failed: another program counted it first", name);
	struct sql_stmt *st = sql_use(c, STMT_RATE_GET);

	sql_bind_text(st, name);
	return sql_number(st, n_r, e);
}

static int count_once(struct meta *m, const char *name, int64_t window_us, int64_t length_us, uint64_t by, uint64_t *n_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_LAZY, e) || count(c, name, window_us, length_us, by, n_r, e))
		return -1;
	return sql_commit(c, e);
}

int meta_rate_count(struct meta *m, const char *name, int64_t now_us, int64_t window_us, uint64_t by, uint64_t *n_r,
	struct err *e)
{
	for (int left = TIMES; count_once(m, name, now_us / window_us * window_us, window_us, by, n_r, e);)
		if (e->class != ERR_CONFLICT || --left == 0)
			return -1;
	return 0;
}
