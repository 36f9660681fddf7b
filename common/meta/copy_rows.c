/* The second half of meta/copy.h: tables that are taken over row by row. */
#include "meta/copy.h"

#include "meta/keep_gate.h"
#include "meta/meta_private.h"

#include <string.h>

#define ROWS_A_COMMIT 1000

/* ---- one row ---- */

/* What a row on its way holds until it is written: texts are copies. */
struct row {
	struct strv texts;
	uint8_t *sealed;
};

static void row_deinit(struct row *r)
{
	strv_deinit(&r->texts);
	free(r->sealed);
}

static void pass_text(struct sql_stmt *from, struct sql_stmt *to, struct row *r)
{
	_free_ char *text = sql_get_text(from);

	strv_add(&r->texts, text);
	sql_bind_text(to, r->texts.items[r->texts.n - 1]);
}

static void pass_bytes(struct sql_stmt *from, struct sql_stmt *to)
{
	size_t n;
	const void *bytes = sql_get_bytes(from, &n);

	sql_bind_blob(to, bytes, n);
}

static void pass_null(struct sql_stmt *from, struct sql_stmt *to)
{
	sql_get_i64(from);
	sql_bind_null(to);
}

/* The next column of `from` becomes the next value of `to`. */
static void pass(struct sql_stmt *from, struct sql_stmt *to, char type, struct row *r)
{
	if (sql_get_null(from))
		pass_null(from, to);
	else if (type == 't')
		pass_text(from, to, r);
	else if (type == 'b')
		pass_bytes(from, to);
	else
		sql_bind_i64(to, sql_get_i64(from));
}

/* ---- one table ---- */

/* types: of the columns: i number, t text, b bytes. */
struct table {
	enum statement read, add;
	const char *types;
};

static enum sql_result add_row(struct sql_stmt *from, struct sql_conn *to, const struct table *t, struct err *e)
{
	CLEANUP(row_deinit) struct row r = { 0 };
	struct sql_stmt *st = sql_use(to, t->add);

	for (const char *type = t->types; *type; type++)
		pass(from, st, *type, &r);
	return sql_run(st, e);
}

static int commit_and_go_on(struct sql_conn *to, struct err *e)
{
	return sql_commit(to, e) || sql_begin(to, SQL_DURABLE, e) ? -1 : 0;
}

/* Adds the rows that are missing, in transactions of their own. */
static int add_missing(struct sql_conn *from, struct sql_db *into, const struct table *t, uint64_t *added_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *to = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	if (sql_writer(into, &to, e) || sql_begin(to, SQL_DURABLE, e))
		return -1;
	st = sql_use(from, t->read);
	for (uint64_t n = 1; (step = sql_step(st, e)) == SQL_ROW; n++) {
		enum sql_result added = add_row(st, to, t, e);

		if (added == SQL_FAILED)
			return -1;
		*added_r += added == SQL_DONE;
		if (n % ROWS_A_COMMIT == 0 && commit_and_go_on(to, e))
			return -1;
	}
	return step == SQL_FAILED ? -1 : sql_commit(to, e);
}

/* ---- users, and who knows of cases: all in one transaction, for what was taken away is not there any more ---- */

static int clear(struct sql_conn *to, struct err *e)
{
	static const enum statement tables[] = { STMT_COPY_IDENTITY_CLEAR, STMT_COPY_CASE_MEMBER_CLEAR, STMT_COPY_CASE_TAG_CLEAR, STMT_COPY_ACCOUNT_DEPARTMENT_CLEAR, STMT_COPY_ACCOUNT_MAILBOX_CLEAR,
		STMT_COPY_ACCOUNT_ROLE_CLEAR, STMT_COPY_ROLE_PERMISSION_CLEAR, STMT_COPY_ROLE_CLEAR, STMT_COPY_SERVICE_CLEAR,
		STMT_COPY_DEPARTMENT_MAILBOX_CLEAR, STMT_COPY_DEPARTMENT_CLEAR };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (sql_run(sql_use(to, tables[i]), e) == SQL_FAILED)
			return -1;
	return 0;
}

struct users {
	struct sql_conn *from, *to;
	meta_reseal *reseal;
	void *ctx;
};

/* 1 when the target has this account. */
static int account_there(struct sql_conn *to, int64_t id, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(to, STMT_ACCOUNT_BY_ID);

	sql_bind_i64(st, id);
	return sql_find(st, e);
}

/* Ten columns as they are, the secret sealed anew, the id. */
static int bind_account(struct users *u, struct sql_stmt *from, struct sql_stmt *to, struct row *r, struct err *e)
{
	size_t n, length;

	for (const char *type = "ttiiiiiiii"; *type; type++)
		pass(from, to, *type, r);
	const void *secret = sql_get_bytes(from, &n);

	if (u->reseal(u->ctx, secret, n, &r->sealed, &length, e))
		return -1;
	sql_bind_blob(to, r->sealed, length);
	pass(from, to, 'i', r);
	return 0;
}

static int write_account(struct users *u, struct sql_stmt *from, struct err *e)
{
	CLEANUP(row_deinit) struct row r = { 0 };
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	int there = account_there(u->to, sql_get_i64(from), e);

	if (there < 0)
		return -1;
	st = sql_use(u->to, there ? STMT_COPY_ACCOUNT_SET : STMT_COPY_ACCOUNT_ADD);
	if (bind_account(u, from, st, &r, e))
		return -1;
	switch (sql_step(st, e)) {
	case SQL_DONE:
		return 0;
	case SQL_FAILED:
		return -1;
	default:
		return err_permanent(e, "copy(account) failed: the target has another user of this name");
	}
}

static int copy_accounts(struct users *u, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(u->from, STMT_COPY_ACCOUNT_READ);
	enum sql_result step;

	for (*n_r = 0; (step = sql_step(st, e)) == SQL_ROW; ++*n_r)
		if (write_account(u, st, e))
			return -1;
	return step == SQL_FAILED ? -1 : 0;
}

static int copy_table(struct users *u, const struct table *t, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(u->from, t->read);
	enum sql_result step;

	while ((step = sql_step(st, e)) == SQL_ROW)
		if (add_row(st, u->to, t, e) != SQL_DONE)
			return -1;
	return step == SQL_FAILED ? -1 : 0;
}

static int copy_users(struct users *u, uint64_t *n_r, struct err *e)
{
	static const struct table tables[] = {
		{ STMT_COPY_DEPARTMENT_READ, STMT_COPY_DEPARTMENT_ADD, "itii" },
		{ STMT_COPY_DEPARTMENT_MAILBOX_READ, STMT_DEPARTMENT_MAILBOX_ADD, "it" },
		{ STMT_COPY_ROLE_READ, STMT_ROLE_ADD, "tt" },
		{ STMT_COPY_ROLE_PERMISSION_READ, STMT_ROLE_PERMISSION_ADD, "tt" },
		{ STMT_COPY_ACCOUNT_ROLE_READ, STMT_COPY_ACCOUNT_ROLE_ADD, "it" },
		{ STMT_COPY_SERVICE_READ, STMT_SERVICE_ADD, "ibbi" },
		{ STMT_COPY_ACCOUNT_MAILBOX_READ, STMT_ACCOUNT_MAILBOX_ADD, "it" },
		{ STMT_COPY_ACCOUNT_DEPARTMENT_READ, STMT_COPY_ACCOUNT_DEPARTMENT_ADD, "ii" },
		{ STMT_COPY_CASE_MEMBER_READ, STMT_COPY_CASE_MEMBER_ADD, "bi" },
		{ STMT_COPY_CASE_TAG_READ, STMT_COPY_CASE_TAG_ADD, "bbtii" },
		{ STMT_COPY_IDENTITY_READ, STMT_COPY_IDENTITY_ADD, "ibtti" },
	};

	if (sql_begin(u->to, SQL_DURABLE, e) || clear(u->to, e) || copy_accounts(u, n_r, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (copy_table(u, &tables[i], e))
			return -1;
	return sql_commit(u->to, e);
}

/* ---- all of it ---- */

/* How far dispositions are carried out goes on changing: all of it in one transaction. */
static int copy_disposals(struct sql_conn *from, struct sql_db *into, struct err *e)
{
	static const struct table disposals = { STMT_COPY_DISPOSAL_READ, STMT_DISPOSAL_ADD, "biiiiiiib" };
	CLEANUP(sql_releasep) struct sql_conn *to = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	if (sql_writer(into, &to, e) || sql_begin(to, SQL_DURABLE, e) ||
		sql_run(sql_use(to, STMT_COPY_DISPOSAL_CLEAR), e) == SQL_FAILED)
		return -1;
	st = sql_use(from, disposals.read);
	while ((step = sql_step(st, e)) == SQL_ROW)
		if (add_row(st, to, &disposals, e) != SQL_DONE)
			return -1;
	return step == SQL_FAILED ? -1 : sql_commit(to, e);
}

/* What became of messages after they were archived. Whether the bytes of those that were disposed of are gone is asked of the
 * target's store: meta_copy_removals(). */
static int copy_facts(struct meta *from, struct meta *to, struct err *e)
{
	static const struct table facts[] = {
		{ STMT_COPY_LEDGER_FACT_READ, STMT_COPY_LEDGER_FACT_ADD, "tibbbb" },
		{ STMT_COPY_RETENTION_EXTENSION_READ, STMT_COPY_RETENTION_EXTENSION_ADD, "biit" },
		{ STMT_COPY_MESSAGE_HOLD_READ, STMT_COPY_MESSAGE_HOLD_ADD, "bbii" },
		{ STMT_COPY_DISPOSED_READ, STMT_COPY_DISPOSED_ADD, "bbi" },
	};
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t unseen = 0;

	if (sql_reader(from->capture, &c, e) || sql_begin_snapshot(c, e)) /* a tombstone goes with its fact, and is counted */
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		if (add_missing(c, to->capture, &facts[i], &unseen, e))
			return -1;
	return copy_disposals(c, to->capture, e);
}

/* What mail is kept by, and what users keep for themselves. Holds go before dispositions: nothing may be carried out without
 * what keeps mail from it. */
static int copy_rules(struct sql_conn *from, struct meta *to, struct err *e)
{
	static const struct table rules[] = {
		{ STMT_COPY_RETENTION_POLICY_READ, STMT_COPY_RETENTION_POLICY_ADD, "ibiiiititiit" },
		{ STMT_COPY_LEGAL_CASE_READ, STMT_COPY_LEGAL_CASE_ADD, "btt" },
		{ STMT_COPY_LEGAL_CASE_EVENT_READ, STMT_COPY_LEGAL_CASE_EVENT_ADD, "biiit" },
		{ STMT_COPY_LEGAL_CASE_NOTE_READ, STMT_COPY_LEGAL_CASE_NOTE_ADD, "bbbit" },
		{ STMT_COPY_LEGAL_HOLD_READ, STMT_COPY_LEGAL_HOLD_ADD, "bbtitti" },
		{ STMT_COPY_LEGAL_HOLD_MESSAGE_READ, STMT_COPY_LEGAL_HOLD_MESSAGE_ADD, "bb" },
		{ STMT_COPY_LEGAL_HOLD_EVENT_READ, STMT_COPY_LEGAL_HOLD_EVENT_ADD, "biiit" },
		{ STMT_COPY_DISPOSITION_READ, STMT_COPY_DISPOSITION_ADD, "bti" },
		{ STMT_COPY_DISPOSITION_EVENT_READ, STMT_COPY_DISPOSITION_EVENT_ADD, "biiiit" },
		{ STMT_COPY_SAVED_SEARCH_READ, STMT_COPY_SAVED_SEARCH_ADD, "biitbtii" },
	};
	uint64_t unseen = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (add_missing(from, to->control, &rules[i], &unseen, e))
			return -1;
	return 0;
}

static int copy_attempts(struct meta *from, struct meta *to, uint64_t *added_r, struct err *e)
{
	static const struct table attempts = { STMT_COPY_ATTEMPT_READ, STMT_ATTEMPT_ADD, "bit" };
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(from->capture, &c, e) ? -1 : add_missing(c, to->capture, &attempts, added_r, e);
}

/* An outcome that comes in between must not be without its intent: one state of the source for all. The records go as they
 * are: the target's audit is the source's, and goes on behind it. */
static int copy_audit(struct sql_conn *from, struct meta *to, uint64_t *added_r, struct err *e)
{
	static const struct table intents = { STMT_COPY_INTENT_READ, STMT_AUDIT_INTENT_ADD, "biitttttttttb" };
	static const struct table outcomes = { STMT_COPY_OUTCOME_READ, STMT_AUDIT_OUTCOME_ADD, "bitiib" };
	static const struct table rest[] = {
		{ STMT_COPY_AUDIT_BEFORE_READ, STMT_COPY_AUDIT_BEFORE_ADD, "b" },
		{ STMT_COPY_AUDIT_MAILBOX_READ, STMT_AUDIT_MAILBOX_ADD, "bt" },
		{ STMT_COPY_AUDIT_RECORD_READ, STMT_AUDIT_RECORD_ADD, "tibibbb" },
		{ STMT_COPY_AUDIT_BATCH_READ, STMT_AUDIT_BATCH_ADD, "tiibi" },
	};
	uint64_t unseen = 0;

	if (add_missing(from, to->control, &intents, added_r, e) || add_missing(from, to->control, &outcomes, added_r, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(rest); i++)
		if (add_missing(from, to->control, &rest[i], &unseen, e))
			return -1;
	return 0;
}

int meta_copy_audit(struct meta *from, struct meta *to, uint64_t *added_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(from->control, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	return copy_audit(c, to, added_r, e);
}

static int copy_control(struct meta *from, struct meta *to, meta_reseal *reseal, void *ctx, struct meta_copied *done,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_releasep) struct sql_conn *writer = NULL;
	struct users users = { .reseal = reseal, .ctx = ctx };

	if (sql_reader(from->control, &c, e) || sql_begin_snapshot(c, e) || sql_writer(to->control, &writer, e))
		return -1;
	users.from = c;
	users.to = writer;
	if (copy_users(&users, &done->users, e))
		return -1;
	sql_releasep(&writer);
	return copy_rules(c, to, e) || copy_audit(c, to, &done->audit, e) ? -1 : 0;
}

int meta_copy_rest(struct meta *from, struct meta *to, meta_reseal *reseal, void *ctx, struct meta_copied *done_r,
	struct err *e)
{
	*done_r = (struct meta_copied){ 0 };
	if (copy_attempts(from, to, &done_r->attempts, e) || copy_facts(from, to, e))
		return -1;
	return copy_control(from, to, reseal, ctx, done_r, e) || keep_gate_raise(to, e) ? -1 : 0;
}
