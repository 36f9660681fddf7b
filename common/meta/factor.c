#include "meta/factor.h"

#include "meta/meta_private.h"

/* Takes the session along to the account's generation, which has just moved on by one. One that was dead stays so. */
static int keep_session(struct sql_conn *c, uint64_t account_id, const struct uuid *id, struct err *e)
{
	if (!id)
		return 0;
	struct sql_stmt *st = sql_use(c, STMT_SESSION_KEEP);

	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

int meta_factor_password(struct meta *m, uint64_t account_id, const struct uuid *keep, const char *hash, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_PASSWORD_SET);

	sql_bind_text(st, hash);
	sql_bind_u64(st, account_id);
	if (sql_run(st, e) != SQL_DONE || keep_session(c, account_id, keep, e))
		return -1;
	return sql_commit(c, e);
}
