/* Nothing is loosened: what is archived or audited can't be changed or deleted, by a program of ours or by somebody's SQL. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/audit.h"
#include "meta/statements.h"

#include <strings.h>

/* What may change; every other table is write-once. */
static const char *const changing[] = { "schema_version", "outbox", "account", "permission", "role", "role_permission",
	"reconcile_walk", "orphan", "reconcile_alarm", "daily_account", "mta_message", "mta_incident", "mta_unaccepted", "mta_log", "rate_count",
	"signin_known", "export_job", "service_account",
	"session", "audit_forward", "saved_search", "totp_enrolment", "recovery_code", "account_identity",
	"upkeep_walk", "retention_reached", "hold_work", "keep_gate", "disposal", "removal_work", "index_removal", "case_member", "case_tag",
	"import_place", "account_role", "department", "department_mailbox", "account_mailbox", "account_department" };

static bool may_change(const char *table)
{
	for (size_t i = 0; i < ARRAY_LEN(changing); i++)
		if (strcmp(changing[i], table) == 0)
			return true;
	return false;
}

static int fill(void **state)
{
	char *all[] = { (char[]){ AUDIT_ALL_MAILBOXES } };
	struct audit_intent intent = { .id = uuid_new(clock_now_us()), .strength = "none", .action = "search", .client = "x",
		.request_id = "x", .mailboxes = &(struct strv){ all, 1 } };
	struct audit_outcome outcome = { .result = "allowed" };
	struct uuid id;

	if (open_meta(state))
		return -1;
	id = uuid_new(clock_now_us());
	return put_as(meta, "lmtpd@test", &id, 1, "1 a@example.org 2 b@example.org", &err) ||
		meta_capture_attempt(meta, &id, 1, "lmtpd@test", &err) || meta_audit_intent(meta, &intent, &err) ||
		meta_audit_outcome(meta, &intent.id, &outcome, &err) ||
		raw_sql("control.db", "INSERT INTO export_request VALUES (zeroblob(16), 1, 1, 'eml', 'zip', 'x', NULL, '{}', '{}', 'x', 'x')") ||
		raw_sql("control.db", "INSERT INTO audit_before SELECT id FROM audit_intent") ||
		raw_sql("capture.db", "INSERT INTO relocation VALUES (zeroblob(16), 1, '', 'key', '', 0, 1, 'file', 1);"
				      " INSERT INTO retention_extension VALUES (zeroblob(16), 1, 1, '');"
				      " INSERT INTO message_hold VALUES (zeroblob(16), zeroblob(16), 1, 1);"
				      " INSERT INTO message_disposed SELECT id, zeroblob(16), 1 FROM message LIMIT 1;"
				      " INSERT INTO disposal VALUES (zeroblob(16), zeroblob(16), 1, 1, 0, 0, 1, 1, 1);"
				      " INSERT INTO message_removed SELECT id, 1 FROM message LIMIT 1;"
				      " INSERT INTO ledger_fact VALUES ('x', 1, zeroblob(16), zeroblob(32), zeroblob(32), x'00')") ||
		raw_sql("control.db", "INSERT INTO legal_case VALUES (zeroblob(16), 'x', 'x');"
				      " INSERT INTO legal_case_event VALUES (zeroblob(16), 1, 1, 1, 'x');"
				      " INSERT INTO legal_case_note VALUES (zeroblob(16), zeroblob(16), NULL, 1, 'x')") ||
		raw_sql("control.db", "INSERT INTO disposition VALUES (zeroblob(16), '{}', 1);"
				      " INSERT INTO disposition_event VALUES (zeroblob(16), 1, 0, 1, 1, 'x')") ||
		raw_sql("control.db", "INSERT INTO legal_hold VALUES (zeroblob(16), NULL, 'x', 1, '{}', '', 0);"
				      " INSERT INTO legal_hold_message VALUES (zeroblob(16), zeroblob(16));"
				      " INSERT INTO legal_hold_event VALUES (zeroblob(16), 1, 1, 1, 'x')") ||
		raw_sql("control.db", "INSERT INTO retention_policy VALUES (1, zeroblob(16), 1, 1, 1, 1, 'x', 1, '', 1, 0, '')") ? -1 : 0;
}

static void is_refused(const char *file, const char *sql)
{
	if (raw_sql(file, sql) != SQLITE_CONSTRAINT)
		fail_msg("%s: not refused: %s", file, sql);
}

/* Each column by itself: a trigger for some columns only would not do. */
static void columns_are_kept(const char *file, sqlite3 *db, const char *table)
{
	_free_ char *list = mem_printf("SELECT name FROM pragma_table_info('%s')", table);
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_prepare_v2(db, list, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *column = (const char *)sqlite3_column_text(st, 0);
		_free_ char *update = mem_printf("UPDATE %s SET %s = %s", table, column, column);

		is_refused(file, update);
	}
	sqlite3_finalize(st);
}

static int tables_are_kept(const char *file)
{
	_free_ char *path = path_of(file);
	sqlite3 *db;
	sqlite3_stmt *st;
	int n = 0;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_master WHERE type = 'table'", -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *table = (const char *)sqlite3_column_text(st, 0);
		_free_ char *delete = mem_printf("DELETE FROM %s", table);
		_free_ char *replace = mem_printf("PRAGMA recursive_triggers = ON; REPLACE INTO %s SELECT * FROM %s", table, table);
		_free_ char *count = mem_printf("SELECT count(*) FROM %s", table);

		if (may_change(table))
			continue;
		assert_true(raw_number(file, count) > 0); /* triggers are for rows: there must be some */
		is_refused(file, delete);
		is_refused(file, replace);
		columns_are_kept(file, db, table);
		n++;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void written_once_is_written_for_good(void **state)
{
	(void)state;
	assert_int_equal(tables_are_kept("capture.db"), 14);
	assert_int_equal(tables_are_kept("control.db"), 16);
	is_refused("capture.db", "UPDATE message SET retain_until_us = retain_until_us + 1"); /* extensions get rows of their own */
	assert_int_equal(ledger_faults(), 0);
}

static void accounts_are_never_deleted(void **state)
{
	(void)state;
	assert_int_equal(raw_sql("control.db", "INSERT INTO account (username, password_hash, totp_secret) VALUES ('a', '', x'')"),
		SQLITE_OK);
	is_refused("control.db", "DELETE FROM account");
}

/* The word behind the first `behind` in the statement, as a string; caller frees. NULL when it is not there. */
static char *table_behind(const char *sql, const char *behind)
{
	if (strncasecmp(sql, behind, strlen(behind)) != 0)
		return NULL;
	sql += strlen(behind);
	return mem_dup(sql, strcspn(sql, " ("));
}

static void no_statement_changes_what_is_written_once(void **state)
{
	static const char *const writing[] = { "UPDATE ", "DELETE FROM ", "REPLACE INTO ", "INSERT OR REPLACE INTO " };
	int n = 0;

	(void)state;
	for (int s = 0; s < STATEMENTS; s++) {
		for (size_t w = 0; w < ARRAY_LEN(writing); w++) {
			_free_ char *table = table_behind(statement_sqlite((enum statement)s), writing[w]);
			_free_ char *general = table_behind(statement_sql((enum statement)s), writing[w]);

			if ((table && !may_change(table)) || (general && !may_change(general)))
				fail_msg("%s changes a write-once table", statement_name((enum statement)s));
			n += table != NULL;
		}
		assert_null(strcasestr(statement_sqlite((enum statement)s), "ON CONFLICT"));
	}
	assert_true(n >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_once_is_written_for_good),
		cmocka_unit_test(accounts_are_never_deleted),
		cmocka_unit_test(no_statement_changes_what_is_written_once),
	};

	return cmocka_run_group_tests(tests, fill, remove_directory);
}
