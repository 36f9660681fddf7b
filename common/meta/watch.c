#include "meta/watch.h"

#include "meta/export.h"
#include "meta/meta_private.h"

static int count(struct sql_conn *c, enum statement s, int64_t from_us, int64_t until_us, uint64_t *n_r, struct err *e)
{
	const struct uuid from = uuid_floor(from_us), until = uuid_floor(until_us);
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_uuid(st, &from);
	sql_bind_uuid(st, &until);
	return sql_number(st, n_r, e);
}

int meta_watch_audit(struct meta *m, int64_t from_us, int64_t until_us, struct watch_audit *a_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	*a_r = (struct watch_audit){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	return count(c, STMT_AUDIT_UNFINISHED, from_us, until_us, &a_r->unfinished, e) ||
		count(c, STMT_AUDIT_SIGNINS_REFUSED, from_us, until_us, &a_r->signins_refused, e) ? -1 : 0;
}

static int count_exports(struct sql_conn *c, enum export_state state, uint64_t *n_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_STATE_COUNT);

	sql_bind_text(st, export_state_name(state));
	return sql_number(st, n_r, e);
}

int meta_watch_exports(struct meta *m, struct watch_exports *x_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	*x_r = (struct watch_exports){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	return count_exports(c, EXPORT_QUEUED, &x_r->queued, e) || count_exports(c, EXPORT_BUILDING, &x_r->building, e) ? -1 : 0;
}

int meta_watch_removals(struct meta *m, struct watch_removals *r_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_REMOVAL_COUNT_ALL);
	if (sql_find(st, e) <= 0)
		return -1;
	uint64_t all = sql_get_u64(st);

	r_r->refused = sql_get_u64(st);
	r_r->waiting = all - r_r->refused;
	return 0;
}
