#include "meta/import.h"

#include "meta/meta_private.h"

int meta_import_place_get(struct meta *m, const char *source, struct meta_import_place *p_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_IMPORT_PLACE_GET);
	sql_bind_text(st, source);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	p_r->uidvalidity = (uint32_t)sql_get_u64(st);
	p_r->uid = (uint32_t)sql_get_u64(st);
	p_r->refused = sql_get_text(st);
	return 1;
}

int meta_import_place_set(struct meta *m, const char *source, const struct meta_import_place *p, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_IMPORT_PLACE_REMOVE);

	sql_bind_text(st, source);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	st = sql_use(c, STMT_IMPORT_PLACE_ADD);
	sql_bind_text(st, source);
	sql_bind_u64(st, p->uidvalidity);
	sql_bind_u64(st, p->uid);
	sql_bind_text(st, p->refused);
	sql_bind_i64(st, now_us);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	return sql_commit(c, e);
}
