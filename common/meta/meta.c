#include "meta/maintenance.h"
#include "meta/migrate.h"
#include "meta/meta_private.h"

static int open_database(struct sql_db **db_r, const struct conf *conf, const char *name,
	struct err *e)
{
	return sql_open(db_r, conf, name, SQL_MUST_EXIST, e) ||
		migrate_check(*db_r, name, e) ? -1 : 0;
}

int meta_open(struct meta **m_r, const struct conf *conf, struct err *e)
{
	CLEANUP(meta_closep) struct meta *m = MEM_NEW(struct meta);

	if (open_database(&m->capture, conf, "capture", e) ||
		open_database(&m->control, conf, "control", e))
		return -1;
	m->audit = audit_log_new(m->control, conf->node);
	*m_r = m;
	m = NULL;
	return 0;
}

void meta_closep(struct meta **m)
{
	if (!*m)
		return;
	audit_log_freep(&(*m)->audit);
	sql_closep(&(*m)->control);
	sql_closep(&(*m)->capture);
	free(*m);
	*m = NULL;
}

static int migrate_capture(const struct conf *conf, struct err *e)
{
	CLEANUP(sql_closep) struct sql_db *db = NULL;

	return sql_open(&db, conf, "capture", SQL_CREATE, e) || migrate_up(db, "capture", e) ||
		sql_extend(db, e) ? -1 : 0;
}

static int migrate_control(const struct conf *conf, struct err *e)
{
	CLEANUP(sql_closep) struct sql_db *db = NULL;

	return sql_open(&db, conf, "control", SQL_CREATE, e) ? -1 : migrate_up(db, "control", e);
}

int meta_migrate(const struct conf *conf, struct err *e)
{
	return migrate_capture(conf, e) || migrate_control(conf, e) ? -1 : 0;
}

int meta_extend(struct meta *m, struct err *e)
{
	return sql_extend(m->capture, e);
}

int meta_ready(struct meta *m, struct err *e)
{
	return sql_ready(m->capture, e) || sql_ready(m->control, e) ? -1 : 0;
}

int meta_replica_lag(struct meta *m, int64_t *seconds_r, struct err *e)
{
	return sql_replica_lag(m->capture, seconds_r, e);
}

int meta_check(struct meta *m, void (*report)(void *ctx, const char *finding, const char *remedy),
	void *ctx, struct err *e)
{
	return sql_check(m->capture, report, ctx, e) ||
		sql_check(m->control, report, ctx, e) ? -1 : 0;
}
