#include "meta/audit_group.h"

#include "base/clock.h"
#include "base/log.h"
#include "ledger/audit_record.h"

#include <string.h>

#define MAILBOX_MAX 512 /* bytes; what is longer is no mailbox */
#define TIMES 20	/* tries of a commit in conflict with those of others; so many processes may have one name */
#define PATIENCE_US (2 * CLOCK_SECOND) /* in all: who waits for a lock in vain has waited long enough */

/* A record whose row is written. */
struct sealed {
	const struct uuid *id;
	enum ledger_audit_kind kind;
	uint8_t nonce[LEDGER_NONCE_SIZE];
	struct buf record;
	bool has_set;
	uint8_t set[SHA256_SIZE]; /* of mailboxes */
};

struct run {
	struct sql_conn *c;
	struct audit_sequence *sequence;
	struct sealed *sealed;
	uint8_t *leaves;
	size_t n;
};

static void run_deinit(struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_deinit(&r->sealed[i].record);
	free(r->sealed);
	free(r->leaves);
	sql_releasep(&r->c);
}

/* ---- the sequence ---- */

void audit_sequence_init(struct audit_sequence *s, const char *name)
{
	*s = (struct audit_sequence){ .name = mem_strdup(name), .daemon = mem_strdup(name), .number = 1 };
}

void audit_sequence_deinit(struct audit_sequence *s)
{
	free(s->name);
	free(s->daemon);
}

static void next_sequence(struct audit_sequence *s)
{
	free(s->daemon);
	s->daemon = mem_printf("%s/%u", s->name, ++s->number);
	s->known = s->taken = false;
}

static int refuse_place(struct audit_sequence *s, struct err *e)
{
	s->taken = true;
	return err_conflict(e, "audit(%s) failed: another process writes this sequence", s->daemon);
}

/* ---- the set of mailboxes ---- */

/* Sorted, each once, without what can't be one. */
static void tidy_mailboxes(const struct strv *from, struct strv *to)
{
	struct strv all = { 0 };

	for (size_t i = 0; i < from->n; i++)
		if (*from->items[i] && strlen(from->items[i]) <= MAILBOX_MAX)
			strv_add(&all, from->items[i]);
	strv_sort(&all);
	for (size_t i = 0; i < all.n; i++)
		if (!i || strcmp(all.items[i], all.items[i - 1]) != 0)
			strv_add(to, all.items[i]);
	strv_deinit(&all);
}

static struct audit_set *place_of(struct audit_sequence *s, const uint8_t digest[SHA256_SIZE])
{
	return &s->sets[digest[0] % AUDIT_SETS];
}

static bool is_written(struct audit_sequence *s, const uint8_t digest[SHA256_SIZE])
{
	const struct audit_set *set = place_of(s, digest);

	return set->there && memcmp(set->digest, digest, SHA256_SIZE) == 0;
}

/* For those that come: these sets are committed. */
static void know_sets(struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct sealed *sealed = &r->sealed[i];
		struct audit_set *set = place_of(r->sequence, sealed->set);

		if (!sealed->has_set)
			continue;
		set->there = true;
		memcpy(set->digest, sealed->set, SHA256_SIZE);
	}
}

/* The set is kept once: whoever has its first mailbox has all of it, as they were written in one commit. */
static int write_mailboxes(struct run *r, const uint8_t digest[SHA256_SIZE], const struct strv *mailboxes, struct err *e)
{
	struct sql_conn *c = r->c;

	if (is_written(r->sequence, digest))
		return 0;
	for (size_t i = 0; i < mailboxes->n; i++) {
		struct sql_stmt *st = sql_use(c, STMT_AUDIT_MAILBOX_ADD);

		sql_bind_blob(st, digest, SHA256_SIZE);
		sql_bind_text(st, mailboxes->items[i]);
		enum sql_result added = i ? sql_add(st, e) : sql_run(st, e);

		if (added == SQL_FAILED)
			return -1;
		if (added == SQL_DUPLICATE)
			return 0;
	}
	return 0;
}

/* ---- rows ---- */

static enum sql_result write_intent(struct sql_conn *c, const struct audit_intent *i, const struct ledger_audit_record *r,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_AUDIT_INTENT_ADD);

	sql_bind_uuid(st, &i->id);
	sql_bind_i64(st, i->at_us);
	sql_bind_u64(st, i->account_id);
	sql_bind_text(st, i->actor);
	sql_bind_text(st, i->strength);
	sql_bind_text(st, i->action);
	sql_bind_text(st, i->object);
	sql_bind_text(st, i->detail);
	sql_bind_text(st, i->client);
	sql_bind_text(st, i->request_id);
	sql_bind_text(st, i->reason);
	sql_bind_text(st, i->case_ref);
	sql_bind_blob(st, r->has_mailboxes ? r->mailboxes : NULL, SHA256_SIZE);
	return sql_run(st, e);
}

static enum sql_result write_outcome(struct sql_conn *c, const struct uuid *intent_id, const struct audit_outcome *o,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_AUDIT_OUTCOME_ADD);

	sql_bind_uuid(st, intent_id);
	sql_bind_i64(st, o->at_us);
	sql_bind_text(st, o->result);
	sql_bind_u64(st, o->status);
	sql_bind_u64(st, o->count);
	sql_bind_blob(st, o->digest, SHA256_SIZE);
	return sql_run(st, e);
}

/* ---- records ---- */

/* The record's texts are views into the intent: it is never deinitialised. */
#define VIEW(text) ((char *)(uintptr_t)(text))

static struct ledger_audit_record record_of_intent(const struct audit_intent *i)
{
	return (struct ledger_audit_record){
		.kind = LEDGER_AUDIT_INTENT,
		.id = i->id,
		.at_us = i->at_us,
		.account_id = i->account_id,
		.actor = VIEW(i->actor),
		.strength = VIEW(i->strength),
		.action = VIEW(i->action),
		.object = VIEW(i->object),
		.detail = VIEW(i->detail),
		.reason = VIEW(i->reason),
		.case_ref = VIEW(i->case_ref),
		.client = VIEW(i->client),
		.request_id = VIEW(i->request_id),
	};
}

static struct ledger_audit_record record_of_outcome(const struct uuid *intent_id, const struct audit_outcome *o)
{
	struct ledger_audit_record r = {
		.kind = LEDGER_AUDIT_OUTCOME,
		.id = *intent_id,
		.at_us = o->at_us,
		.result = VIEW(o->result),
		.status = o->status,
		.count = o->count,
		.has_digest = o->digest != NULL,
	};

	if (o->digest)
		memcpy(r.digest, o->digest, SHA256_SIZE);
	return r;
}

/* Encodes the record as the next of the run, which it is once settle() says so. */
static int seal(struct run *r, struct ledger_audit_record *record, const struct uuid *id, struct err *e)
{
	r->sealed = mem_realloc(r->sealed, r->n + 1, sizeof(*r->sealed));
	r->leaves = mem_realloc(r->leaves, r->n + 1, SHA256_SIZE);
	struct sealed *s = &r->sealed[r->n];

	*s = (struct sealed){ .id = id, .kind = record->kind, .record = BUF_INIT(LEDGER_AUDIT_MAX), .has_set = record->has_mailboxes };
	memcpy(s->set, record->mailboxes, SHA256_SIZE);
	record->daemon = r->sequence->daemon;
	record->seq = r->sequence->last + r->n + 1;
	if (ledger_audit_encode(&s->record, record)) {
		buf_deinit(&s->record);
		return err_permanent(e, "audit(%s) failed: the record is over %zu bytes", record->action, LEDGER_AUDIT_MAX);
	}
	ledger_nonce(s->nonce);
	ledger_audit_leaf(r->leaves + r->n * SHA256_SIZE, s->nonce, s->record.data, s->record.len);
	return 0;
}

/* The record that was sealed last counts, unless its row could not be written. */
static int settle(struct run *r, int failed)
{
	if (failed)
		buf_deinit(&r->sealed[r->n].record);
	else
		r->n++;
	return failed;
}

static int add_record(struct run *r, size_t i, struct err *e)
{
	const struct sealed *s = &r->sealed[i];
	struct sql_stmt *st = sql_use(r->c, STMT_AUDIT_RECORD_ADD);

	sql_bind_text(st, r->sequence->daemon);
	sql_bind_u64(st, r->sequence->last + i + 1);
	sql_bind_uuid(st, s->id);
	sql_bind_u64(st, s->kind);
	sql_bind_blob(st, s->nonce, LEDGER_NONCE_SIZE);
	sql_bind_blob(st, r->leaves + i * SHA256_SIZE, SHA256_SIZE);
	sql_bind_blob(st, s->record.data, s->record.len);
	switch (sql_add(st, e)) {
	case SQL_DONE:
		return 0;
	case SQL_DUPLICATE:
		return refuse_place(r->sequence, e);
	default:
		return -1;
	}
}

static int add_batch(struct run *r, struct err *e)
{
	struct sql_stmt *st = sql_use(r->c, STMT_AUDIT_BATCH_ADD);

	sql_bind_text(st, r->sequence->daemon);
	sql_bind_u64(st, r->sequence->last + 1);
	sql_bind_u64(st, r->n);
	sql_bind_blob(st, r->leaves, r->n * SHA256_SIZE);
	sql_bind_i64(st, clock_now_us());
	enum sql_result added = sql_add(st, e);

	if (added == SQL_DONE)
		added = sql_flush(r->c, e);
	if (added == SQL_DUPLICATE)
		return refuse_place(r->sequence, e);
	return added == SQL_DONE ? 0 : -1;
}

/* ---- entries ---- */

static int refuse_duplicate(enum sql_result r, const char *what, struct err *e)
{
	if (r == SQL_DUPLICATE)
		return err_permanent(e, "audit(%s) failed: it is recorded already", what);
	return r == SQL_DONE ? 0 : -1;
}

/* Sealed first: what can't be gets no row. */
static int take_intent(struct run *r, const struct audit_intent *i, struct err *e)
{
	struct strv mailboxes CLEANUP(strv_deinit) = { 0 };
	struct ledger_audit_record record = record_of_intent(i);

	if (i->mailboxes)
		tidy_mailboxes(i->mailboxes, &mailboxes);
	record.has_mailboxes = mailboxes.n > 0;
	if (record.has_mailboxes)
		ledger_mailboxes(record.mailboxes, &mailboxes);
	if (seal(r, &record, &i->id, e))
		return -1;
	return settle(r, write_mailboxes(r, record.mailboxes, &mailboxes, e) ||
		refuse_duplicate(write_intent(r->c, i, &record, e), "intent", e) ? -1 : 0);
}

static int take_outcome(struct run *r, const struct uuid *intent_id, const struct audit_outcome *o, struct err *e)
{
	struct ledger_audit_record record = record_of_outcome(intent_id, o);

	if (seal(r, &record, intent_id, e))
		return -1;
	return settle(r, refuse_duplicate(write_outcome(r->c, intent_id, o, e), "outcome", e));
}

/* What is wrong with one fails that one alone, unless the transaction is gone by it. */
static int take_all(struct run *r, struct audit_entry *group, struct err *e)
{
	for (struct audit_entry *entry = group; entry; entry = entry->next) {
		if (entry->intent)
			entry->failed = take_intent(r, entry->intent, &entry->err);
		else
			entry->failed = take_outcome(r, entry->intent_id, entry->outcome, &entry->err);
		if (entry->failed && entry->err.class == ERR_CONFLICT) {
			*e = entry->err;
			return -1;
		}
	}
	return 0;
}

/* ---- the transaction ---- */

static int know_sequence(struct run *r, struct err *e)
{
	if (r->sequence->known)
		return 0;
	memset(r->sequence->sets, 0, sizeof(r->sequence->sets));
	struct sql_stmt *st = sql_use(r->c, STMT_AUDIT_LAST_SEQ);

	sql_bind_text(st, r->sequence->daemon);
	return sql_number(st, &r->sequence->last, e);
}

static int write_once(struct sql_db *control, struct audit_sequence *sequence, struct audit_entry *group, struct err *e)
{
	struct run r CLEANUP(run_deinit) = { .sequence = sequence };

	if (sql_writer(control, &r.c, e) || sql_begin(r.c, SQL_DURABLE, e) || know_sequence(&r, e))
		return -1;
	sequence->known = false; /* whatever fails: the database is asked before the next one */
	if (take_all(&r, group, e))
		return -1;
	for (size_t i = 0; i < r.n; i++)
		if (add_record(&r, i, e))
			return -1;
	if ((r.n && add_batch(&r, e)) || sql_commit(r.c, e))
		return -1;
	know_sets(&r);
	sequence->last += r.n;
	sequence->known = true;
	return 0;
}

int audit_group_write(struct sql_db *control, struct audit_sequence *sequence, struct audit_entry *group, struct err *e)
{
	int64_t until_us = clock_monotonic_us() + PATIENCE_US;
	int failed;

	for (unsigned times = 1; (failed = write_once(control, sequence, group, e)) && e->class == ERR_CONFLICT && times < TIMES &&
		clock_monotonic_us() < until_us;
		times++) {
		log_debug(NULL, "audit records are committed again: %s", e->text);
		if (sequence->taken)
			next_sequence(sequence);
	}
	return failed;
}
