#include "ledger/audit_record.h"
#include "meta/maintenance.h"
#include "meta/meta_private.h"
#include "meta/verify.h"

#include <string.h>

/* ---- a record and its row ---- */

/* Takes the next column as text: is it that of the record, where "" is none? */
static bool same_text(struct sql_stmt *st, const char *recorded)
{
	_free_ char *text = sql_get_text(st);

	return recorded && strcmp(text, recorded) == 0;
}

static bool same_digest(struct sql_stmt *st, bool has, const uint8_t recorded[SHA256_SIZE])
{
	size_t n;
	const void *bytes = sql_get_bytes(st, &n);

	return has ? n == SHA256_SIZE && memcmp(bytes, recorded, SHA256_SIZE) == 0 : n == 0;
}

struct field {
	const char *name;
	bool same;
};

/* One finding that names all fields that differ. */
static void tell_different(struct verification *v, const char *id, const struct field *fields, size_t n)
{
	CLEANUP(strv_deinit) struct strv different = { 0 };

	for (size_t i = 0; i < n; i++)
		if (!fields[i].same)
			strv_add(&different, fields[i].name);
	if (!different.n)
		return;
	_free_ char *list = strv_join(&different, ", ");

	verify_fault(v, "audit %s: its row differs from its record: %s", id, list);
}

/* The columns of audit_intent, in the order of the statement. */
static void compare_intent(struct verification *v, const char *id, const struct ledger_audit_record *r, struct sql_stmt *st)
{
	const struct field fields[] = {
		{ "time", sql_get_i64(st) == r->at_us },
		{ "account", sql_get_u64(st) == r->account_id },
		{ "actor", same_text(st, r->actor) },
		{ "strength", same_text(st, r->strength) },
		{ "action", same_text(st, r->action) },
		{ "object", same_text(st, r->object) },
		{ "detail", same_text(st, r->detail) },
		{ "reason", same_text(st, r->reason) },
		{ "case", same_text(st, r->case_ref) },
		{ "client", same_text(st, r->client) },
		{ "request id", same_text(st, r->request_id) },
		{ "mailboxes", same_digest(st, r->has_mailboxes, r->mailboxes) },
	};

	tell_different(v, id, fields, ARRAY_LEN(fields));
}

static void compare_outcome(struct verification *v, const char *id, const struct ledger_audit_record *r, struct sql_stmt *st)
{
	const struct field fields[] = {
		{ "time of the outcome", sql_get_i64(st) == r->at_us },
		{ "result", same_text(st, r->result) },
		{ "status", sql_get_u64(st) == r->status },
		{ "count", sql_get_u64(st) == r->count },
		{ "digest", same_digest(st, r->has_digest, r->digest) },
	};

	tell_different(v, id, fields, ARRAY_LEN(fields));
}

static void skip(struct sql_stmt *st, int columns)
{
	while (columns--)
		sql_get_i64(st);
}

/* Which record is it, by the columns beside it? */
static void compare_place(struct verification *v, const struct verify_record *place, uint64_t kind, const char *id,
	const struct ledger_audit_record *r)
{
	const struct field fields[] = {
		{ "id", memcmp(&place->id, &r->id, sizeof(r->id)) == 0 },
		{ "kind", kind == (uint64_t)r->kind },
		{ "daemon", strcmp(place->daemon, r->daemon) == 0 },
		{ "sequence number", place->seq == r->seq },
	};

	tell_different(v, id, fields, ARRAY_LEN(fields));
}

#define INTENT_COLUMNS 12

/* Behind the record stand the columns of its intent, then those of its outcome; the time is NULL where there is no row. */
static void compare_row(struct verification *v, const char *id, const struct ledger_audit_record *r, struct sql_stmt *st)
{
	if (r->kind == LEDGER_AUDIT_OUTCOME)
		skip(st, INTENT_COLUMNS);
	if (sql_get_null(st))
		verify_fault(v, "audit %s: its record has no row", id);
	else if (r->kind == LEDGER_AUDIT_INTENT)
		compare_intent(v, id, r, st);
	else
		compare_outcome(v, id, r, st);
}

static void look(struct verification *v, const struct verify_record *place, struct sql_stmt *st)
{
	CLEANUP(ledger_audit_deinit) struct ledger_audit_record r = { 0 };
	uint8_t nonce[LEDGER_NONCE_SIZE], leaf[SHA256_SIZE];
	uint64_t kind = sql_get_u64(st);
	char id[UUID_TEXT_SIZE];
	size_t n;

	uuid_format(id, &place->id);
	sql_get_fixed(st, nonce, sizeof(nonce));
	const void *record = sql_get_bytes(st, &n);

	ledger_audit_leaf(leaf, nonce, record, n);
	if (memcmp(leaf, place->leaf, SHA256_SIZE) != 0)
		verify_fault(v, "audit %s: its record and nonce do not give its leaf", id);
	if (ledger_audit_decode(&r, record, n) < 0) {
		verify_fault(v, "audit %s: its record can't be read", id);
		return;
	}
	compare_place(v, place, kind, id, &r);
	compare_row(v, id, &r, st);
}

/* ---- sets of mailboxes ---- */

static void check_set(struct verification *v, const uint8_t digest[SHA256_SIZE], const struct strv *mailboxes)
{
	uint8_t again[SHA256_SIZE];

	if (!mailboxes->n)
		return;
	ledger_mailboxes(again, mailboxes);
	if (memcmp(again, digest, SHA256_SIZE) != 0)
		verify_fault(v, "audit: a set of %zu mailboxes from %s on is not the one that was looked at", mailboxes->n,
			mailboxes->items[0]);
}

static int verify_sets(struct verification *v)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(v->c, STMT_AUDIT_VERIFY_MAILBOXES);
	CLEANUP(strv_deinit) struct strv set = { 0 };
	uint8_t digest[SHA256_SIZE] = { 0 }, next[SHA256_SIZE];
	enum sql_result step;

	while ((step = sql_step(st, v->e)) == SQL_ROW) {
		sql_get_fixed(st, next, SHA256_SIZE);
		_free_ char *mailbox = sql_get_text(st);

		if (memcmp(next, digest, SHA256_SIZE) != 0) {
			check_set(v, digest, &set);
			strv_deinit(&set);
			memcpy(digest, next, SHA256_SIZE);
		}
		strv_add(&set, mailbox);
	}
	check_set(v, digest, &set);
	return step == SQL_FAILED ? -1 : 0;
}

/* ---- all of it ---- */

static int none(struct verification *v, enum statement s, const char *what)
{
	return verify_none(v, s, "audit", what);
}

int meta_audit_verify(struct meta *m, void (*report)(void *ctx, const char *fault), void *ctx, struct meta_audit_count *count_r,
	struct err *e)
{
	static const struct verify_sequence audit = { STMT_AUDIT_VERIFY_BATCHES, STMT_AUDIT_VERIFY_RECORDS, "audit", look };
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	struct verification v = { .c = c, .report = report, .ctx = ctx, .e = e };

	if (verify_sequence(&v, &audit) || none(&v, STMT_AUDIT_VERIFY_INTENTS, "it has no record") ||
		none(&v, STMT_AUDIT_VERIFY_OUTCOMES, "its outcome has no record") ||
		none(&v, STMT_AUDIT_VERIFY_BEFORE, "it was written before the audit had records, and is gone") ||
		none(&v, STMT_AUDIT_VERIFY_SETS, "the mailboxes that it concerned are gone") || verify_sets(&v) ||
		sql_number(sql_use(c, STMT_AUDIT_COUNT), &count_r->records, e) ||
		sql_number(sql_use(c, STMT_AUDIT_COUNT_BEFORE), &count_r->before, e))
		return -1;
	count_r->faults = v.faults;
	return 0;
}
