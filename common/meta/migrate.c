#include "meta/migrate.h"

#include "base/clock.h"
#include "meta/schema.h"

#include <inttypes.h>

/* The newest migration that was applied; 0 for an empty database. */
static int applied_version(struct sql_conn *c, uint64_t *version_r, struct err *e)
{
	uint64_t tables;
	struct sql_stmt *st = sql_use(c, STMT_TABLE_EXISTS);

	*version_r = 0;
	sql_bind_text(st, "schema_version");
	if (sql_number(st, &tables, e))
		return -1;
	return tables ? sql_number(sql_use(c, STMT_VERSION_GET), version_r, e) : 0;
}

static int refuse_newer(const char *name, uint64_t version, size_t known, struct err *e)
{
	if (version <= known)
		return 0;
	return err_permanent(e, "schema(%s) failed: the database has version %" PRIu64 " and this program "
		"knows up to %zu: install the newer program", name, version, known);
}

/* 1 when a migration was applied, 0 when there is none left. */
static int apply_next(struct sql_conn *c, const char *name, struct err *e)
{
	size_t known;
	uint64_t version;
	const struct migration *migrations = schema_migrations(name, &known);

	if (sql_begin(c, SQL_DURABLE, e) || applied_version(c, &version, e) ||
		refuse_newer(name, version, known, e))
		return -1;
	if (version == known) {
		sql_rollback(c);
		return 0;
	}
	if (sql_script(c, migrations[version].version, migrations[version].sql, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_VERSION_ADD);

	sql_bind_u64(st, migrations[version].version);
	sql_bind_i64(st, clock_now_us());
	switch (sql_run(st, e)) {
	case SQL_DONE:
		return sql_commit(c, e) ? -1 : 1;
	case SQL_FAILED:
		return -1;
	default:
		return err_temporary(e,
			"schema(%s) failed: somebody else applies it at this moment", name);
	}
}

int migrate_up(struct sql_db *db, const char *name, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	int more;

	if (sql_writer(db, &c, e))
		return -1;
	do {
		more = apply_next(c, name, e);
	} while (more > 0);
	return more;
}

int migrate_check(struct sql_db *db, const char *name, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	size_t known;
	uint64_t version;

	schema_migrations(name, &known);
	if (sql_reader(db, &c, e) || applied_version(c, &version, e) ||
		refuse_newer(name, version, known, e))
		return -1;
	if (version < known)
		return err_permanent(e, "schema(%s) failed: the database has version %" PRIu64 " and this "
			"program needs %zu: run `strongroom %s`", name, version, known, version ? "migrate" : "init");
	return 0;
}
