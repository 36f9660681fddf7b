/* A database of any version that ever was becomes one of this version, in a file; test_mysql.c does it at a server. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/audit.h"
#include "meta/maintenance.h"
#include "meta/migrate.h"
#include "meta/schema.h"

static int64_t objects(const char *file)
{
	return raw_number(file, "SELECT sum(length(sql)) FROM sqlite_master WHERE sql IS NOT NULL");
}

/* The first `version` migrations, as an older program would have applied them. */
static void make_old(const char *database, size_t version)
{
	CLEANUP(sql_closep) struct sql_db *db = NULL;
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	size_t n;
	const struct migration *migrations = schema_migrations(database, &n);

	assert_ok(sql_open(&db, &conf, database, SQL_CREATE, &err));
	assert_ok(sql_writer(db, &c, &err));
	assert_ok(sql_begin(c, SQL_DURABLE, &err));
	for (size_t i = 0; i < version && i < n; i++) {
		assert_ok(sql_script(c, migrations[i].version, migrations[i].sql, &err));
		struct sql_stmt *st = sql_use(c, STMT_VERSION_ADD);

		sql_bind_u64(st, migrations[i].version);
		sql_bind_i64(st, 0);
		assert_int_equal(sql_run(st, &err), SQL_DONE);
	}
	assert_ok(sql_commit(c, &err));
}

static void forget(const char *file)
{
	static const char *const endings[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		_free_ char *path = mem_printf("%s/%s%s", directory, file, endings[i]);

		unlink(path);
	}
}

static void every_older_schema_is_brought_up(void **state)
{
	int64_t capture = objects("capture.db"), control = objects("control.db");
	size_t newest;

	(void)state;
	schema_migrations("capture", &newest); /* of which there are more than of control */
	for (size_t version = 1; version < newest; version++) {
		meta_closep(&meta);
		forget("capture.db");
		forget("control.db");
		make_old("capture", version);
		make_old("control", version);
		assert_refused(meta_open(&meta, &conf, &err), ERR_PERMANENT, "strongroom migrate");
		assert_ok(meta_migrate(&conf, &err));
		assert_ok(meta_migrate(&conf, &err));
		assert_int_equal(objects("capture.db"), capture);
		assert_int_equal(objects("control.db"), control);
		assert_ok(meta_open(&meta, &conf, &err));
		put(1000, "1 a@example.org 2 b@example.org");
		assert_int_equal(ledger_faults(), 0);
	}
}

#define OLD_AUDIT 11 /* the last version in which the audit had no records */

/* What was audited before there were records stays, and is told apart from what should have one. */
static void the_audit_of_before_is_told_apart(void **state)
{
	struct audit_intent fresh = { .id = uuid_new(clock_now_us()), .strength = "none", .action = "x", .client = "x",
		.request_id = "x" };
	struct audit_outcome outcome = { .result = "allowed" };
	struct meta_audit_count count;
	struct uuid old;

	(void)state;
	meta_closep(&meta);
	forget("capture.db");
	forget("control.db");
	make_old("capture", 1);
	make_old("control", OLD_AUDIT);
	memset(&old, 'x', sizeof(old));
	assert_int_equal(raw_sql("control.db", "INSERT INTO audit_intent VALUES (CAST('xxxxxxxxxxxxxxxx' AS BLOB), 1, 0, NULL,"
					       " 'none', 'x', NULL, NULL, 'x', 'x')"), SQLITE_OK);
	assert_ok(meta_migrate(&conf, &err));
	assert_ok(meta_open(&meta, &conf, &err));
	assert_ok(meta_audit_outcome(meta, &old, &outcome, &err)); /* it was under way */
	assert_ok(meta_audit_intent(meta, &fresh, &err));
	assert_ok(meta_audit_verify(meta, count_fault, NULL, &count, &err));
	assert_int_equal(count.faults, 0);
	assert_int_equal(count.records, 2);
	assert_int_equal(count.before, 1);
	assert_int_equal(raw_sql("control.db", "DROP TRIGGER audit_intent_no_delete; DROP TRIGGER audit_outcome_no_delete;"
					       " DELETE FROM audit_outcome; DELETE FROM audit_intent WHERE at_us = 1"), SQLITE_OK);
	assert_ok(meta_audit_verify(meta, count_fault, NULL, &count, &err));
	assert_int_equal(count.faults, 2); /* the entry of before, and the row of the outcome */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_older_schema_is_brought_up),
		cmocka_unit_test(the_audit_of_before_is_told_apart),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
