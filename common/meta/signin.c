#include "meta/signin.h"

#include "meta/meta_private.h"

/* Somebody else may add it at this moment, which is as good. */
static int add(struct sql_conn *c, const char *name, int64_t now_us, int64_t until_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_SIGNIN_FORGET);

	sql_bind_i64(st, now_us);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	st = sql_use(c, STMT_SIGNIN_ADD);
	sql_bind_text(st, name);
	sql_bind_i64(st, until_us);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

/* Within a transaction. */
static int note(struct sql_conn *c, const char *name, int64_t now_us, int64_t until_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_SIGNIN_EXTEND);

	sql_bind_i64(st, until_us);
	sql_bind_text(st, name);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	return sql_changed(c) ? 0 : add(c, name, now_us, until_us, e);
}

int meta_signin_note(struct meta *m, const char *name, int64_t now_us, int64_t until_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_LAZY, e) || note(c, name, now_us, until_us, e))
		return -1;
	return sql_commit(c, e);
}

int meta_signin_known(struct meta *m, const char *name, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t n;

	if (sql_reader(m->control, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_SIGNIN_KNOWN);

	sql_bind_text(st, name);
	sql_bind_i64(st, now_us);
	return sql_number(st, &n, e) ? -1 : n > 0;
}
