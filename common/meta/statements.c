/* The statements of the control database, and those of both. */
#include "base/mem.h"
#include "meta/statements_table.h"

#include <stddef.h>

#define EXPORT_COLUMNS \
	"r.id, r.account_id, r.requested_us, r.format, r.container, r.reason, r.matter, r.request, r.scope, r.client," \
	" r.request_id, j.state, j.epoch, j.total, j.done, j.missing, j.size, j.detail, j.built_scope, j.bucket, j.object_key," \
	" j.version_id, j.object_length, j.sha256, j.finished_us, j.expires_us" \
	" FROM export_job j JOIN export_request r ON r.id = j.id"

/* What a row of STMT_SESSION_GET tells, as enum session_row has it; the columns behind the text in all rows but one. */
#define SESSION_IS "0"
#define SESSION_MAY "1"
#define SESSION_SEES "2"
#define EIGHT_NULLS ", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
#define SESSION_NOTHING EIGHT_NULLS EIGHT_NULLS EIGHT_NULLS

static const struct statement_text statements[STATEMENTS] = {
	[STMT_TABLE_EXISTS] = {
		"table_exists",
		"SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
		"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
	},
	[STMT_VERSION_GET] = { "version_get", "SELECT max(version) FROM schema_version", NULL },
	[STMT_VERSION_ADD] = { "version_add", "INSERT INTO schema_version (version, applied_us) VALUES (?, ?)", NULL },

	[STMT_ACCOUNT_BY_NAME] = {
		"account_by_name",
		"SELECT id, username, password_hash, totp_secret, disabled, token_generation, scope_all, scope_from_us,"
		" scope_until_us FROM account WHERE username = ?",
		NULL,
	},
	[STMT_ACCOUNT_BY_ID] = {
		"account_by_id",
		"SELECT id, username, password_hash, totp_secret, disabled, token_generation, scope_all, scope_from_us,"
		" scope_until_us FROM account WHERE id = ?",
		NULL,
	},
	[STMT_ACCOUNT_RIGHTS] = {
		"account_rights",
		"SELECT id, username, disabled, scope_all, scope_from_us, scope_until_us FROM account WHERE id = ?",
		NULL,
	},
	[STMT_ACCOUNT_IDS] = { "account_ids", "SELECT id FROM account ORDER BY username", NULL },
	[STMT_ACCOUNT_ROLES] = {
		"account_roles",
		"SELECT role FROM account_role WHERE account_id = ? ORDER BY role",
		NULL,
	},
	[STMT_ACCOUNT_PERMISSIONS] = {
		"account_permissions",
		"SELECT DISTINCT rp.permission FROM account_role ar JOIN role_permission rp ON rp.role = ar.role"
		" WHERE ar.account_id = ? ORDER BY rp.permission",
		NULL,
	},
	[STMT_ACCOUNT_SCOPE] = {
		"account_scope",
		"SELECT mailbox FROM account_mailbox WHERE account_id = ?"
		" UNION SELECT dm.mailbox FROM account_department ad"
		" JOIN department_mailbox dm ON dm.department_id = ad.department_id WHERE ad.account_id = ?"
		" ORDER BY mailbox",
		NULL,
	},
	[STMT_ACCOUNT_ADD] = {
		"account_add",
		"INSERT INTO account (username, password_hash, totp_secret, scope_all, scope_from_us, scope_until_us)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_ACCOUNT_FIND] = { "account_find", "SELECT id FROM account WHERE username = ?", NULL },
	[STMT_ACCOUNT_DISABLE] = {
		"account_disable",
		"UPDATE account SET disabled = ?, token_generation = token_generation + 1, version = version + 1 WHERE id = ?",
		NULL,
	},
	[STMT_ACCOUNT_SIGN_OUT] = {
		"account_sign_out",
		"UPDATE account SET token_generation = token_generation + 1 WHERE id = ?",
		NULL,
	},
	[STMT_ACCOUNT_SCOPE_SET] = {
		"account_scope_set",
		"UPDATE account SET scope_all = ?, scope_from_us = ?, scope_until_us = ?, version = version + 1 WHERE id = ?",
		NULL,
	},
	[STMT_ACCOUNT_MAILBOXES_CLEAR] = {
		"account_mailboxes_clear",
		"DELETE FROM account_mailbox WHERE account_id = ?",
		NULL,
	},
	[STMT_ACCOUNT_DEPARTMENTS_CLEAR] = {
		"account_departments_clear",
		"DELETE FROM account_department WHERE account_id = ?",
		NULL,
	},
	[STMT_ACCOUNT_ROLE_ADD] = {
		"account_role_add",
		"INSERT INTO account_role (account_id, role) SELECT ?, name FROM role WHERE name = ?",
		NULL,
	},
	[STMT_ACCOUNT_MAILBOX_ADD] = {
		"account_mailbox_add",
		"INSERT INTO account_mailbox (account_id, mailbox) VALUES (?, ?)",
		NULL,
	},
	[STMT_ACCOUNT_DEPARTMENT_ADD] = {
		"account_department_add",
		"INSERT INTO account_department (account_id, department_id) SELECT ?, id FROM department WHERE name = ?",
		NULL,
	},
	[STMT_CODE_TRY] = {
		"code_try",
		"UPDATE account SET code_tries_us = CASE WHEN code_tries_us < ? THEN ? ELSE code_tries_us END + ?"
		" WHERE id = ? AND code_tries_us <= ?",
		NULL,
	},
	[STMT_TOTP_USE] = {
		"totp_use",
		"UPDATE account SET totp_last_step = ?, code_tries_us = 0 WHERE id = ? AND totp_last_step < ?",
		NULL,
	},
	[STMT_DEPARTMENT_FIND] = { "department_find", "SELECT id FROM department WHERE name = ?", NULL },
	[STMT_DEPARTMENT_MAILBOXES] = {
		"department_mailboxes",
		"SELECT mailbox FROM department_mailbox WHERE department_id = ? ORDER BY mailbox",
		NULL,
	},
	[STMT_DEPARTMENT_ADD] = { "department_add", "INSERT INTO department (name) VALUES (?)", NULL },
	[STMT_DEPARTMENT_MAILBOX_ADD] = {
		"department_mailbox_add",
		"INSERT INTO department_mailbox (department_id, mailbox) VALUES (?, ?)",
		NULL,
	},
	[STMT_DEPARTMENT_MAILBOX_REMOVE] = {
		"department_mailbox_remove",
		"DELETE FROM department_mailbox WHERE department_id = ? AND mailbox = ?",
		NULL,
	},
	[STMT_DEPARTMENT_MAILBOXES_CLEAR] = {
		"department_mailboxes_clear",
		"DELETE FROM department_mailbox WHERE department_id = ?",
		NULL,
	},

	[STMT_RATE_COUNT] = { /* tries first: SET goes from left to right in MySQL, and looks at the row as it was in SQLite */
		"rate_count",
		"UPDATE rate_count SET tries = CASE WHEN window_us = ? THEN tries + ? ELSE ? END, window_us = ? WHERE name = ?",
		NULL,
	},
	[STMT_RATE_ADD] = { "rate_add", "INSERT INTO rate_count (name, window_us, tries) VALUES (?, ?, ?)", NULL },
	[STMT_RATE_GET] = { "rate_get", "SELECT tries FROM rate_count WHERE name = ?", NULL },
	[STMT_RATE_FORGET] = { "rate_forget", "DELETE FROM rate_count WHERE window_us < ?", NULL },

	[STMT_SIGNIN_EXTEND] = { "signin_extend", "UPDATE signin_known SET until_us = ? WHERE name = ?", NULL },
	[STMT_SIGNIN_ADD] = { "signin_add", "INSERT INTO signin_known (name, until_us) VALUES (?, ?)", NULL },
	[STMT_SIGNIN_KNOWN] = { "signin_known", "SELECT COUNT(*) FROM signin_known WHERE name = ? AND until_us > ?", NULL },
	[STMT_SIGNIN_FORGET] = { "signin_forget", "DELETE FROM signin_known WHERE until_us < ?", NULL },

	[STMT_SESSION_ADD] = {
		"session_add",
		"INSERT INTO session (id, account_id, generation, strength, created_us, seen_us, factor_us, until_us, client, agent,"
		" refresh_family, refresh_hash, refresh_before, refreshed_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_SESSION_FORGET] = { "session_forget", "DELETE FROM session WHERE until_us < ?", NULL },
	[STMT_SESSION_GET] = { /* every request asks: one statement sees one state, without a transaction around it */
		"session_get",
		"SELECT " SESSION_IS ", '', s.id, s.account_id, s.generation, s.strength, s.created_us, s.seen_us, s.factor_us,"
		" s.until_us, s.client, s.agent, s.refresh_family, s.refresh_hash, s.refresh_before, s.refreshed_us, s.ended_us,"
		" a.id, a.username, a.password_hash, a.totp_secret, a.disabled, a.token_generation, a.scope_all, a.scope_from_us,"
		" a.scope_until_us FROM session s JOIN account a ON a.id = s.account_id WHERE s.id = ?"
		" UNION ALL SELECT " SESSION_MAY ", rp.permission" SESSION_NOTHING " FROM session s"
		" JOIN account_role ar ON ar.account_id = s.account_id JOIN role_permission rp ON rp.role = ar.role WHERE s.id = ?"
		" UNION ALL SELECT " SESSION_SEES ", am.mailbox" SESSION_NOTHING " FROM session s"
		" JOIN account_mailbox am ON am.account_id = s.account_id WHERE s.id = ?"
		" UNION ALL SELECT " SESSION_SEES ", dm.mailbox" SESSION_NOTHING " FROM session s"
		" JOIN account_department ad ON ad.account_id = s.account_id"
		" JOIN department_mailbox dm ON dm.department_id = ad.department_id WHERE s.id = ?",
		NULL,
	},
	[STMT_SESSION_LIST] = { /* of a disabled account none lives */
		"session_list",
		"SELECT s.id, s.account_id, s.generation, s.strength, s.created_us, s.seen_us, s.factor_us, s.until_us, s.client,"
		" s.agent FROM session s JOIN account a ON a.id = s.account_id WHERE s.account_id = ? AND s.id < ?"
		" AND s.until_us > ? AND s.ended_us IS NULL AND s.generation = a.token_generation AND a.disabled = 0"
		" ORDER BY s.id DESC LIMIT ?",
		NULL,
	},
	[STMT_SESSION_REFRESH] = {
		"session_refresh",
		"UPDATE session SET refresh_before = ?, refresh_hash = ?, refreshed_us = ?, seen_us = ?, client = ?, agent = ?"
		" WHERE id = ? AND refresh_hash = ? AND ended_us IS NULL",
		NULL,
	},
	[STMT_SESSION_FACTOR] = {
		"session_factor",
		"UPDATE session SET factor_us = ?, seen_us = ? WHERE id = ? AND ended_us IS NULL",
		NULL,
	},
	[STMT_SESSION_END] = {
		"session_end",
		"UPDATE session SET ended_us = ?, end_reason = ? WHERE id = ? AND account_id = ? AND ended_us IS NULL",
		NULL,
	},
	[STMT_SESSION_KEEP] = {
		"session_keep",
		"UPDATE session SET generation = generation + 1 WHERE id = ? AND account_id = ?",
		NULL,
	},
	[STMT_PASSWORD_SET] = {
		"password_set",
		"UPDATE account SET password_hash = ?, token_generation = token_generation + 1, version = version + 1 WHERE id = ?",
		NULL,
	},
	[STMT_FACTOR_SET] = {
		"factor_set",
		"UPDATE account SET totp_secret = ?, totp_last_step = ?, code_tries_us = 0, token_generation = token_generation + 1,"
		" version = version + 1 WHERE id = ?",
		NULL,
	},
	[STMT_ENROLMENT_CLEAR] = { "enrolment_clear", "DELETE FROM totp_enrolment WHERE account_id = ?", NULL },
	[STMT_ENROLMENT_ADD] = {
		"enrolment_add",
		"INSERT INTO totp_enrolment (account_id, token_hash, secret, until_us) VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_ENROLMENT_BY_TOKEN] = {
		"enrolment_by_token",
		"UPDATE totp_enrolment SET secret = ?, secret_until_us = ? WHERE account_id = ? AND token_hash = ? AND until_us > ?",
		NULL,
	},
	[STMT_ENROLMENT_SECRET] = {
		"enrolment_secret",
		"SELECT secret FROM totp_enrolment WHERE account_id = ? AND secret IS NOT NULL AND until_us > ?"
		" AND (secret_until_us IS NULL OR secret_until_us > ?)",
		NULL,
	},
	[STMT_ENROLMENT_TAKE] = {
		"enrolment_take",
		"DELETE FROM totp_enrolment WHERE account_id = ? AND secret = ?",
		NULL,
	},
	[STMT_RECOVERY_CLEAR] = { "recovery_clear", "DELETE FROM recovery_code WHERE account_id = ?", NULL },
	[STMT_RECOVERY_ADD] = { "recovery_add", "INSERT INTO recovery_code (account_id, code_hash) VALUES (?, ?)", NULL },
	[STMT_RECOVERY_USE] = {
		"recovery_use",
		"UPDATE recovery_code SET used_us = ? WHERE account_id = ? AND code_hash = ? AND used_us IS NULL",
		NULL,
	},
	/* InnoDB locks a row that is written, be it with what it holds. */
	[STMT_ACCOUNT_LOCK] = { "account_lock", "UPDATE account SET code_tries_us = code_tries_us WHERE id = ?", NULL },
	[STMT_TRIES_CLEAR] = { "tries_clear", "UPDATE account SET code_tries_us = 0 WHERE id = ?", NULL },

	[STMT_EXPORT_REQUEST_ADD] = {
		"export_request_add",
		"INSERT INTO export_request (id, account_id, requested_us, format, container, reason, matter, request, scope, client,"
		" request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_EXPORT_JOB_ADD] = {
		"export_job_add",
		"INSERT INTO export_job (id, account_id, state, lease_until_us, epoch, done, missing, size, leftover)"
		" VALUES (?, ?, 'queued', 0, 0, 0, 0, 0, 0)",
		NULL,
	},
	[STMT_EXPORT_GET] = { "export_get", "SELECT " EXPORT_COLUMNS " WHERE j.id = ? AND j.account_id = ?", NULL },
	[STMT_EXPORT_LIST] = {
		"export_list",
		"SELECT " EXPORT_COLUMNS " WHERE j.account_id = ? AND j.id < ? ORDER BY j.id DESC LIMIT ?",
		NULL,
	},
	[STMT_CASE_EXPORTS] = {
		"case_exports",
		"SELECT " EXPORT_COLUMNS " WHERE r.matter = ? AND r.id > ? ORDER BY r.id LIMIT ?",
		NULL,
	},
	[STMT_EXPORT_OPEN_COUNT] = {
		"export_open_count",
		"SELECT count(*) FROM export_job WHERE account_id = ? AND state IN ('queued', 'building')",
		NULL,
	},
	[STMT_EXPORT_STATE_COUNT] = { "export_state_count", "SELECT count(*) FROM export_job WHERE state = ?", NULL },
	[STMT_EXPORT_CANCEL] = {
		"export_cancel",
		"UPDATE export_job SET state = 'cancelled', finished_us = ?"
		" WHERE id = ? AND account_id = ? AND state IN ('queued', 'building')",
		NULL,
	},
	[STMT_EXPORT_NEXT] = {
		"export_next",
		"SELECT " EXPORT_COLUMNS " WHERE j.state IN ('queued', 'building') AND j.lease_until_us <= ? ORDER BY j.id LIMIT 1",
		NULL,
	},
	[STMT_EXPORT_TAKE] = {
		"export_take",
		"UPDATE export_job SET state = 'building', owner = ?, lease_until_us = ?, epoch = epoch + 1, leftover = 1"
		" WHERE id = ? AND epoch = ? AND state IN ('queued', 'building') AND lease_until_us <= ?",
		NULL,
	},
	[STMT_EXPORT_RELEASE] = {
		"export_release",
		"UPDATE export_job SET lease_until_us = 0 WHERE owner = ? AND state = 'building'",
		NULL,
	},
	[STMT_EXPORT_PROGRESS] = {
		"export_progress",
		"UPDATE export_job SET total = ?, done = ?, missing = ?, size = ?, lease_until_us = ?"
		" WHERE id = ? AND epoch = ? AND state = 'building'",
		NULL,
	},
	[STMT_EXPORT_SCOPE] = {
		"export_scope",
		"UPDATE export_job SET built_scope = ? WHERE id = ? AND epoch = ? AND state = 'building'",
		NULL,
	},
	[STMT_EXPORT_PUT_OFF] = {
		"export_put_off",
		"UPDATE export_job SET state = 'queued', detail = ?, lease_until_us = ?"
		" WHERE id = ? AND epoch = ? AND state = 'building'",
		NULL,
	},
	[STMT_EXPORT_FINISH] = {
		"export_finish",
		"UPDATE export_job SET lease_until_us = 0, state = ?, detail = ?, total = ?, done = ?, missing = ?, size = ?, bucket = ?, object_key = ?,"
		" version_id = ?, object_length = ?, sha256 = ?, finished_us = ?, expires_us = ?"
		" WHERE id = ? AND epoch = ? AND state = 'building'",
		NULL,
	},
	[STMT_EXPORT_STALE] = {
		"export_stale",
		"SELECT " EXPORT_COLUMNS " WHERE j.lease_until_us <= ? AND (j.state = 'ready' AND j.expires_us <= ?"
		" OR j.state IN ('failed', 'cancelled') AND j.leftover = 1) ORDER BY j.id LIMIT 1",
		NULL,
	},
	[STMT_EXPORT_IS_OPEN] = {
		"export_is_open",
		"SELECT count(*) FROM export_job WHERE id = ? AND state IN ('queued', 'building')",
		NULL,
	},
	[STMT_EXPORT_CLEARED] = {
		"export_cleared",
		"UPDATE export_job SET state = CASE state WHEN 'ready' THEN 'expired' ELSE state END, leftover = 0"
		" WHERE id = ? AND epoch = ? AND state IN ('ready', 'failed', 'cancelled')",
		NULL,
	},
	[STMT_EXPORT_CLEAR_LATER] = {
		"export_clear_later",
		"UPDATE export_job SET lease_until_us = ? WHERE id = ? AND epoch = ? AND state IN ('ready', 'failed', 'cancelled')",
		NULL,
	},
};

static const struct statement_text *text_of(enum statement s)
{
	static const struct statement_text *const tables[] = { statements, statements_access, statements_audit, statements_capture,
		statements_lifecycle };
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(tables) && !tables[i][s].name)
		i++;
	return &tables[i][s];
}

const char *statement_name(enum statement s)
{
	return text_of(s)->name;
}

const char *statement_sql(enum statement s)
{
	return text_of(s)->sql;
}

const char *statement_sqlite(enum statement s)
{
	const struct statement_text *t = text_of(s);

	return t->sqlite ? t->sqlite : t->sql;
}

bool statement_is_long(enum statement s)
{
	switch (s) {
	case STMT_MAILBOX_LIST:
	case STMT_MAILBOX_WAITING:
	case STMT_OUTBOX_PARTICIPANTS:
	case STMT_MESSAGE_ROWS:
	case STMT_VERIFY_BATCHES:
	case STMT_VERIFY_RECORDS:
	case STMT_VERIFY_MESSAGES:
	case STMT_VERIFY_ORPHANS:
	case STMT_VERIFY_KEYS:
	case STMT_VERIFY_MAILBOXES:
	case STMT_VERIFY_OUTBOX:
	case STMT_REACHED_LIST:
	case STMT_COPY_ATTEMPT_READ:
	case STMT_COPY_INTENT_READ:
	case STMT_COPY_LEDGER_FACT_READ:
	case STMT_COPY_MESSAGE_HOLD_READ:
	case STMT_COPY_RETENTION_EXTENSION_READ:
	case STMT_COPY_LEGAL_HOLD_READ:
	case STMT_COPY_LEGAL_HOLD_MESSAGE_READ:
	case STMT_COPY_LEGAL_HOLD_EVENT_READ:
	case STMT_COPY_LEGAL_CASE_READ:
	case STMT_COPY_LEGAL_CASE_EVENT_READ:
	case STMT_COPY_LEGAL_CASE_NOTE_READ:
	case STMT_COPY_DISPOSITION_READ:
	case STMT_COPY_DISPOSITION_EVENT_READ:
	case STMT_COPY_RETENTION_POLICY_READ:
	case STMT_COPY_SAVED_SEARCH_READ:
	case STMT_COPY_OUTCOME_READ:
	case STMT_AUDIT_VERIFY_BATCHES:
	case STMT_AUDIT_VERIFY_RECORDS:
	case STMT_AUDIT_VERIFY_INTENTS:
	case STMT_AUDIT_VERIFY_OUTCOMES:
	case STMT_AUDIT_VERIFY_BEFORE:
	case STMT_AUDIT_VERIFY_MAILBOXES:
	case STMT_AUDIT_VERIFY_SETS:
	case STMT_COPY_AUDIT_MAILBOX_READ:
	case STMT_COPY_AUDIT_RECORD_READ:
	case STMT_COPY_AUDIT_BATCH_READ:
	case STMT_COPY_AUDIT_BEFORE_READ:
		return true;
	default:
		return false;
	}
}
