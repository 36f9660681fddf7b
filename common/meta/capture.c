#include "meta/capture.h"

#include "base/clock.h"
#include "mail/scope.h"
#include "meta/meta_private.h"
#include "sys/digest.h"

#include <inttypes.h>
#include <string.h>

#define MAILBOX_MAX 512 /* bytes; what is longer is no mailbox, and no scope names it */

/* A record that waits for its batch, which knows its daemon and sequence number. */
struct pending {
	struct uuid id;
	uint8_t nonce[LEDGER_NONCE_SIZE];
	uint8_t leaf[SHA256_SIZE];
	void *record;
	size_t length;
};

struct meta_capture {
	struct sql_conn *c;
	int64_t now_us;
	struct uuid *claimed; /* whose keys are taken: the first `inserted` are inserted */
	size_t claimed_count, inserted;
	struct pending *pending;
	size_t pending_count;
};

/* ---- outside a transaction ---- */

static int look_up(struct sql_conn *c, const uint8_t key[SHA256_SIZE], struct uuid *id_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_KEY_FIND);

	sql_bind_blob(st, key, SHA256_SIZE);
	int found = sql_find(st, e);

	if (found > 0)
		sql_get_uuid(st, id_r);
	return found;
}

static int is_disposed(struct sql_conn *c, const struct uuid *id, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_DISPOSED_HAS);
	uint64_t n;

	sql_bind_uuid(st, id);
	return sql_number(st, &n, e) ? -1 : n > 0;
}

/* What was disposed of and comes again is archived again, by a key that follows from the one before and the message that is
 * gone: keys are written once. */
static void follow(uint8_t key[SHA256_SIZE], const struct uuid *gone)
{
	uint8_t both[SHA256_SIZE + UUID_SIZE];

	memcpy(both, key, SHA256_SIZE);
	memcpy(both + SHA256_SIZE, gone->bytes, UUID_SIZE);
	sha256_of(both, sizeof(both), key);
}

/* Whose the key is, of those that are not disposed of: 1, 0, -1. */
static int find_key(struct sql_conn *c, const uint8_t key[SHA256_SIZE], struct uuid *id_r, struct err *e)
{
	uint8_t at[SHA256_SIZE];
	int found, disposed;

	memcpy(at, key, SHA256_SIZE);
	while ((found = look_up(c, at, id_r, e)) > 0 && (disposed = is_disposed(c, id_r, e))) {
		if (disposed < 0)
			return -1;
		follow(at, id_r);
	}
	return found;
}

int meta_capture_find(struct meta *m, const uint8_t key[SHA256_SIZE], struct uuid *id_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : find_key(c, key, id_r, e);
}

int meta_capture_attempt(struct meta *m, const struct uuid *id, int64_t now_us, const char *daemon,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ATTEMPT_ADD);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, now_us);
	sql_bind_text(st, daemon);
	return sql_run(st, e) == SQL_FAILED ? -1 : sql_commit(c, e);
}

static int last_seq(struct sql_conn *c, const char *daemon, uint64_t *seq_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_LAST_SEQ);

	sql_bind_text(st, daemon);
	return sql_number(st, seq_r, e);
}

int meta_capture_last_seq(struct meta *m, const char *daemon, uint64_t *seq_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : last_seq(c, daemon, seq_r, e);
}

/* ---- the transaction ---- */

static void forget_pending(struct meta_capture *t)
{
	for (size_t i = 0; i < t->pending_count; i++)
		free(t->pending[i].record);
	t->pending_count = 0;
}

/* Rolls back what is not committed. */
static void end(struct meta_capture **t)
{
	if (!*t)
		return;
	forget_pending(*t);
	free((*t)->pending);
	free((*t)->claimed);
	sql_releasep(&(*t)->c);
	free(*t);
	*t = NULL;
}

int meta_capture_begin(struct meta *m, struct meta_capture **t_r, struct err *e)
{
	struct meta_capture *t = MEM_NEW(struct meta_capture);

	t->now_us = clock_now_us();
	if (sql_writer(m->capture, &t->c, e) == 0 && sql_begin(t->c, SQL_DURABLE, e) == 0) {
		*t_r = t;
		return 0;
	}
	end(&t);
	return -1;
}

/* A key without its message would have a retry acknowledged that is nowhere. */
static int refuse_open_claim(const struct meta_capture *t, struct err *e)
{
	char text[UUID_TEXT_SIZE];

	if (t->inserted == t->claimed_count)
		return 0;
	return err_permanent(e, "claim(%s) failed: its message was not inserted",
		uuid_format(text, &t->claimed[t->inserted]));
}

static struct sql_stmt *claim_statement(struct meta_capture *t, const struct meta_claim *claim, const uint8_t key[SHA256_SIZE])
{
	struct sql_stmt *st = sql_use(t->c, STMT_KEY_ADD);

	sql_bind_blob(st, key, SHA256_SIZE);
	sql_bind_uuid(st, &claim->id);
	sql_bind_i64(st, claim->now_us);
	return st;
}

/* Takes all of them if it can. SQL_DUPLICATE: one or the other is somebody's already, and any of them may be ours now. */
static enum sql_result claim_together(struct meta_capture *t, const struct meta_claim *claims, size_t n,
	struct err *e)
{
	enum sql_result r = SQL_DONE;

	for (size_t i = 0; r == SQL_DONE && i < n; i++)
		r = sql_add(claim_statement(t, &claims[i], claims[i].key), e);
	return r == SQL_DONE ? sql_flush(t->c, e) : r;
}

/* 1; 0 when the key is that of a message that is disposed of; -1. */
static int claim_key(struct meta_capture *t, struct meta_claim *claim, const uint8_t key[SHA256_SIZE], struct err *e)
{
	switch (sql_run(claim_statement(t, claim, key), e)) {
	case SQL_DONE:
		claim->taken = true;
		return 1;
	case SQL_DUPLICATE:
		break;
	default:
		return -1;
	}
	int found = look_up(t->c, key, &claim->existing, e);

	if (found == 0)
		return err_conflict(e, "claim(capture_key) failed: taken by a transaction not yet over");
	claim->taken = found > 0 && memcmp(&claim->existing, &claim->id, sizeof(claim->id)) == 0;
	if (found < 0 || claim->taken)
		return found;
	int disposed = is_disposed(t->c, &claim->existing, e);

	return disposed < 0 ? -1 : !disposed;
}

static int claim_alone(struct meta_capture *t, struct meta_claim *claim, struct err *e)
{
	uint8_t key[SHA256_SIZE];
	int rc;

	memcpy(key, claim->key, SHA256_SIZE);
	while ((rc = claim_key(t, claim, key, e)) == 0)
		follow(key, &claim->existing);
	return rc < 0 ? -1 : 0;
}

static int claim_each(struct meta_capture *t, struct meta_claim *claims, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (claim_alone(t, &claims[i], e))
			return -1;
	return 0;
}

static void note_claims(struct meta_capture *t, const struct meta_claim *claims, size_t n)
{
	t->claimed = mem_realloc(t->claimed, t->claimed_count + n, sizeof(*t->claimed));
	for (size_t i = 0; i < n; i++)
		if (claims[i].taken)
			t->claimed[t->claimed_count++] = claims[i].id;
}

/* Retries are rare: nearly always all keys are new. */
int meta_capture_claim(struct meta_capture *t, struct meta_claim *claims, size_t n, struct err *e)
{
	if (refuse_open_claim(t, e))
		return -1;
	enum sql_result together = n > 1 ? claim_together(t, claims, n, e) : SQL_DUPLICATE;

	if (together == SQL_FAILED)
		return -1;
	for (size_t i = 0; i < n; i++)
		claims[i].taken = together == SQL_DONE;
	if (together == SQL_DUPLICATE && claim_each(t, claims, n, e))
		return -1;
	note_claims(t, claims, n);
	return 0;
}

/* Within a transaction a row that exists already is a fault of the caller's: ids are new. */
static int refuse_duplicate(enum sql_result r, const char *what, struct err *e)
{
	switch (r) {
	case SQL_DONE:
		return 0;
	case SQL_FAILED:
		return -1;
	default:
		return err_permanent(e, "insert(%s) failed: there is such a row already", what);
	}
}

static int add_row(struct sql_stmt *st, const char *what, struct err *e)
{
	return refuse_duplicate(sql_add(st, e), what, e);
}

static void bind_place(struct sql_stmt *st, const struct locator *l, const char *lock_mode, int64_t retain_until_us)
{
	sql_bind_text(st, l->bucket);
	sql_bind_text(st, l->key);
	sql_bind_text(st, l->version);
	sql_bind_u64(st, l->offset);
	sql_bind_u64(st, l->length);
	sql_bind_text(st, lock_mode);
	sql_bind_i64(st, retain_until_us);
}

static int insert_message(struct meta_capture *t, const struct message_row *r, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_MESSAGE_ADD);
	const struct message_origin *o = r->origin;

	sql_bind_uuid(st, &r->id);
	sql_bind_i64(st, r->received_us);
	sql_bind_i64(st, r->date_us);
	sql_bind_i64(st, r->header_date_us);
	sql_bind_u64(st, r->size);
	sql_bind_blob(st, r->sha256, SHA256_SIZE);
	sql_bind_i64(st, (int64_t)r->kind);
	sql_bind_text(st, r->capture_point);
	sql_bind_text(st, r->subject);
	sql_bind_text(st, r->message_id);
	sql_bind_i64(st, r->parse_flags);
	sql_bind_text(st, r->queue_id);
	sql_bind_text(st, r->evidence);
	sql_bind_text(st, r->policy_version);
	if (o)
		bind_place(st, &o->locator, o->lock_mode, o->retain_until_us);
	else
		bind_place(st, &r->locator, r->lock_mode, r->retain_until_us);
	return add_row(st, "message", e);
}

static int insert_relocation(struct meta_capture *t, const struct message_row *r, struct err *e)
{
	if (!r->origin)
		return 0;
	struct sql_stmt *st = sql_use(t->c, STMT_RELOCATION_ADD);

	sql_bind_uuid(st, &r->id);
	sql_bind_i64(st, r->moved_us);
	bind_place(st, &r->locator, r->lock_mode, r->retain_until_us);
	return add_row(st, "relocation", e);
}

static int insert_participants(struct meta_capture *t, const struct message_row *r, struct err *e)
{
	for (size_t i = 0; i < r->participant_count; i++) {
		const struct participant *p = &r->participants[i];
		struct sql_stmt *st = sql_use(t->c, STMT_PARTICIPANT_ADD);

		sql_bind_uuid(st, &r->id);
		sql_bind_u64(st, i);
		sql_bind_i64(st, (int64_t)p->role);
		sql_bind_text(st, p->name);
		sql_bind_text(st, p->address);
		sql_bind_text(st, p->normal);
		if (add_row(st, "participant", e))
			return -1;
	}
	return 0;
}

static int insert_attachments(struct meta_capture *t, const struct message_row *r, struct err *e)
{
	for (size_t i = 0; i < r->attachment_count; i++) {
		const struct attachment *a = &r->attachments[i];
		struct sql_stmt *st = sql_use(t->c, STMT_ATTACHMENT_ADD);

		sql_bind_uuid(st, &r->id);
		sql_bind_u64(st, i);
		sql_bind_text(st, a->name);
		sql_bind_text(st, a->content_type);
		sql_bind_u64(st, a->size);
		sql_bind_blob(st, a->sha256, SHA256_SIZE);
		if (add_row(st, "attachment", e))
			return -1;
	}
	return 0;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each mailbox of the message once, in the order of the table. */
static int insert_mailboxes(struct meta_capture *t, const struct message_row *r, struct err *e)
{
	_free_ const char **mailboxes = MEM_ARRAY(const char *, r->participant_count);
	size_t n = 0;

	for (size_t i = 0; i < r->participant_count; i++) {
		const struct participant *p = &r->participants[i];

		if (scope_counts_role(p->role) && *p->normal && strlen(p->normal) <= MAILBOX_MAX)
			mailboxes[n++] = p->normal;
	}
	qsort(mailboxes, n, sizeof(*mailboxes), compare_text);
	for (size_t i = 0; i < n; i++) {
		if (i && strcmp(mailboxes[i], mailboxes[i - 1]) == 0)
			continue;
		struct sql_stmt *st = sql_use(t->c, STMT_MAILBOX_ADD);

		sql_bind_text(st, mailboxes[i]);
		sql_bind_i64(st, r->date_us);
		sql_bind_uuid(st, &r->id);
		if (add_row(st, "mailbox_message", e))
			return -1;
	}
	return 0;
}

static int insert_outbox(struct meta_capture *t, const struct uuid *id, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_OUTBOX_ADD);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, t->now_us);
	return add_row(st, "outbox", e);
}

static void keep_record(struct meta_capture *t, const struct uuid *id, const uint8_t *nonce,
	const uint8_t *leaf, const void *record, size_t length)
{
	t->pending = mem_realloc(t->pending, t->pending_count + 1, sizeof(*t->pending));
	struct pending *p = &t->pending[t->pending_count++];

	p->id = *id;
	memcpy(p->nonce, nonce, LEDGER_NONCE_SIZE);
	memcpy(p->leaf, leaf, SHA256_SIZE);
	p->record = mem_dup(record, length);
	p->length = length;
}

int meta_capture_insert(struct meta_capture *t, const struct message_row *row,
	const uint8_t nonce[LEDGER_NONCE_SIZE], const void *record, size_t record_length,
	const uint8_t leaf[SHA256_SIZE], struct err *e)
{
	char text[UUID_TEXT_SIZE];

	if (t->inserted == t->claimed_count ||
		memcmp(&t->claimed[t->inserted], &row->id, sizeof(row->id)) != 0)
		return err_permanent(e, "insert(%s) failed: it is not the next whose key was claimed",
			uuid_format(text, &row->id));
	if (insert_message(t, row, e) || insert_relocation(t, row, e) || insert_participants(t, row, e) ||
		insert_mailboxes(t, row, e) || insert_attachments(t, row, e) ||
		insert_outbox(t, &row->id, e))
		return -1;
	keep_record(t, &row->id, nonce, leaf, record, record_length);
	t->inserted++;
	return 0;
}

int meta_capture_hold(struct meta_capture *t, const struct uuid *id, const struct uuid *holds, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct sql_stmt *st = sql_use(t->c, STMT_HOLD_WORK_ADD);

		sql_bind_uuid(st, id);
		sql_bind_uuid(st, &holds[i]);
		sql_bind_i64(st, t->now_us);
		if (add_row(st, "hold_work", e))
			return -1;
	}
	return 0;
}

static int insert_record(struct meta_capture *t, const struct pending *p, const char *daemon,
	uint64_t seq, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_RECORD_ADD);

	sql_bind_uuid(st, &p->id);
	sql_bind_text(st, daemon);
	sql_bind_u64(st, seq);
	sql_bind_blob(st, p->nonce, LEDGER_NONCE_SIZE);
	sql_bind_blob(st, p->leaf, SHA256_SIZE);
	sql_bind_blob(st, p->record, p->length);
	return add_row(st, "ledger_record", e);
}

/* Are these the leaves of the messages inserted since the last batch, and do they go on where that one ended? */
static int check_batch(struct meta_capture *t, const char *daemon, uint64_t first_seq, size_t count,
	const uint8_t *leaves, struct err *e)
{
	uint64_t last;

	if (count != t->pending_count)
		return err_permanent(e, "batch(%s) failed: %zu leaves for %zu messages", daemon,
			count, t->pending_count);
	for (size_t i = 0; i < count; i++)
		if (memcmp(leaves + i * SHA256_SIZE, t->pending[i].leaf, SHA256_SIZE) != 0)
			return err_permanent(e, "batch(%s) failed: leaf %zu is not its message's",
				daemon, i);
	if (last_seq(t->c, daemon, &last, e))
		return -1;
	if (first_seq != last + 1)
		return err_permanent(e, "batch(%s) failed: it starts at %" PRIu64 ", the last one ended at "
			"%" PRIu64 ": is another process using this daemon's name?", daemon, first_seq, last);
	return 0;
}

int meta_capture_batch(struct meta_capture *t, const char *daemon, uint64_t first_seq, size_t count,
	const uint8_t *leaves, int64_t now_us, struct err *e)
{
	if (check_batch(t, daemon, first_seq, count, leaves, e))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (insert_record(t, &t->pending[i], daemon, first_seq + i, e))
			return -1;
	forget_pending(t);
	struct sql_stmt *st = sql_use(t->c, STMT_BATCH_ADD);

	sql_bind_text(st, daemon);
	sql_bind_u64(st, first_seq);
	sql_bind_u64(st, count);
	sql_bind_blob(st, leaves, count * SHA256_SIZE);
	sql_bind_i64(st, now_us);
	return add_row(st, "ledger_batch", e) ||
		refuse_duplicate(sql_flush(t->c, e), "message", e) ? -1 : 0;
}

int meta_capture_indexed(struct meta_capture *t, const struct uuid *ids, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct sql_stmt *st = sql_use(t->c, STMT_OUTBOX_REMOVE);

		sql_bind_uuid(st, &ids[i]);
		if (sql_add(st, e) != SQL_DONE)
			return -1;
	}
	return sql_flush(t->c, e) == SQL_DONE ? 0 : -1;
}

static int commit(struct meta_capture *t, struct err *e)
{
	if (refuse_open_claim(t, e))
		return -1;
	if (t->pending_count)
		return err_permanent(e, "commit(capture) failed: %zu messages are in no ledger batch",
			t->pending_count);
	return sql_commit(t->c, e);
}

int meta_capture_commit(struct meta_capture **t, struct err *e)
{
	int failed = commit(*t, e);

	end(t);
	return failed;
}

void meta_capture_rollback(struct meta_capture **t)
{
	end(t);
}
