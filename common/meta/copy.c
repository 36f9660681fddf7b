#include "meta/copy.h"

#include "base/str.h"
#include "meta/meta_private.h"

#include <inttypes.h>
#include <string.h>

/* ---- batches ---- */

int meta_copy_daemons(struct meta *m, struct strv *names, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_COPY_DAEMONS);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		_free_ char *name = sql_get_text(st);

		strv_add(names, name);
	}
	return step == SQL_FAILED ? -1 : 0;
}

void meta_batch_deinit(struct meta_batch *b)
{
	free(b->leaves);
	free(b->ids);
	*b = (struct meta_batch){ 0 };
}

static int refuse_batch(const char *daemon, uint64_t seq, struct err *e)
{
	return err_permanent(e, "ledger(%s, %" PRIu64 ") failed: leaves and records do not agree: see `strongroom check "
		"--ledger`", daemon, seq);
}

/* The row that the bound statement gives: 1, 0, -1. */
static int take_batch(struct sql_stmt *st, const char *daemon, struct meta_batch *b_r, struct err *e)
{
	int found = sql_find(st, e);
	size_t n;

	if (found <= 0)
		return found;
	b_r->first_seq = sql_get_u64(st);
	b_r->count = (size_t)sql_get_u64(st);
	const void *leaves = sql_get_bytes(st, &n);

	if (n / SHA256_SIZE != b_r->count || n % SHA256_SIZE)
		return refuse_batch(daemon, b_r->first_seq, e);
	b_r->leaves = mem_dup(leaves, n);
	b_r->committed_us = sql_get_i64(st);
	return 1;
}

static int take_batch_ids(struct sql_conn *c, const char *daemon, struct meta_batch *b, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_COPY_BATCH_IDS);
	enum sql_result step;
	size_t n = 0;

	b->ids = MEM_ARRAY(struct uuid, b->count);
	sql_bind_text(st, daemon);
	sql_bind_u64(st, b->first_seq);
	sql_bind_u64(st, b->first_seq + b->count);
	while ((step = sql_step(st, e)) == SQL_ROW && n < b->count)
		sql_get_uuid(st, &b->ids[n++]);
	if (step == SQL_FAILED)
		return -1;
	return step == SQL_DONE && n == b->count ? 0 : refuse_batch(daemon, b->first_seq, e);
}

/* The batch's row alone, of a reader: the first one behind after_seq. */
static int find_batch(struct sql_conn *c, const char *daemon, uint64_t after_seq, struct meta_batch *b_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_COPY_BATCH);

	sql_bind_text(st, daemon);
	sql_bind_u64(st, after_seq);
	return take_batch(st, daemon, b_r, e);
}

int meta_copy_batch(struct meta *m, const char *daemon, uint64_t after_seq, struct meta_batch *b_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(meta_batch_deinit) struct meta_batch b = { 0 };

	if (sql_reader(m->capture, &c, e))
		return -1;
	int found = find_batch(c, daemon, after_seq, &b, e);

	if (found <= 0)
		return found;
	if (take_batch_ids(c, daemon, &b, e))
		return -1;
	*b_r = b;
	b = (struct meta_batch){ 0 };
	return 1;
}

/* ---- keys: there is no way from a message to its key but to make it again ---- */

static void compute_key(const struct message_row *row, uint8_t key_r[SHA256_SIZE])
{
	CLEANUP(capture_deinit) struct capture c = { .point = row->capture_point };

	for (size_t i = 0; i < row->participant_count; i++) {
		const struct participant *p = &row->participants[i];

		if (p->role == ROLE_ENVELOPE_TO)
			capture_add_recipient(&c, p->address, NULL);
		else if (p->role == ROLE_ENVELOPE_FROM && !c.mail_from)
			c.mail_from = mem_strdup(p->address);
	}
	capture_key_of(&c, row->sha256, key_r);
}

/* 1 when this key is the message's. */
static int confirm_key(struct sql_conn *c, const uint8_t key[SHA256_SIZE], const struct uuid *id, int64_t *taken_us_r,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_COPY_KEY);
	struct uuid whose;

	sql_bind_blob(st, key, SHA256_SIZE);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	sql_get_uuid(st, &whose);
	*taken_us_r = sql_get_i64(st);
	return memcmp(&whose, id, sizeof(whose)) == 0;
}

/* Did the envelope have bytes that the row could not keep as they were? */
static bool was_changed(const struct message_row *row)
{
	for (size_t i = 0; i < row->participant_count; i++) {
		const struct participant *p = &row->participants[i];

		if ((p->role == ROLE_ENVELOPE_FROM || p->role == ROLE_ENVELOPE_TO) && strstr(p->address, STR_UTF8_REPLACEMENT))
			return true;
	}
	return false;
}

/* Looks through all keys, of which there are as many as messages. */
static int search_key(struct sql_conn *c, const struct uuid *id, uint8_t key_r[SHA256_SIZE], int64_t *taken_us_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_COPY_KEY_OF);

	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	sql_get_fixed(st, key_r, SHA256_SIZE);
	*taken_us_r = sql_get_i64(st);
	return 1;
}

int meta_copy_key(struct meta *m, const struct message_row *row, uint8_t key_r[SHA256_SIZE], int64_t *taken_us_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	compute_key(row, key_r);
	int found = confirm_key(c, key_r, &row->id, taken_us_r, e);

	return found || !was_changed(row) ? found : search_key(c, &row->id, key_r, taken_us_r, e);
}

/* ---- may it be copied there? ---- */

/* Is what the target has of this daemon the beginning of what the source has? */
static int compare_daemon(struct sql_conn *from, struct sql_conn *to, const char *daemon, struct err *e)
{
	CLEANUP(meta_batch_deinit) struct meta_batch last = { 0 };
	CLEANUP(meta_batch_deinit) struct meta_batch same = { 0 };
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(to, STMT_COPY_LAST_BATCH);

	sql_bind_text(st, daemon);
	if (take_batch(st, daemon, &last, e) <= 0 || find_batch(from, daemon, last.first_seq - 1, &same, e) < 0)
		return -1;
	if (same.first_seq == last.first_seq && same.count == last.count &&
		memcmp(same.leaves, last.leaves, last.count * SHA256_SIZE) == 0)
		return 0;
	return err_permanent(e, "copy refused: the target holds messages of its own: of the daemon %s those up to number "
		"%" PRIu64 ", which are not the source's", daemon, last.first_seq + last.count - 1);
}

static int compare_messages(struct meta *from, struct meta *to, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *a = NULL;
	CLEANUP(sql_releasep) struct sql_conn *b = NULL;
	CLEANUP(strv_deinit) struct strv daemons = { 0 };

	if (meta_copy_daemons(to, &daemons, e) || sql_reader(from->capture, &a, e) || sql_reader(to->capture, &b, e))
		return -1;
	for (size_t i = 0; i < daemons.n; i++)
		if (compare_daemon(a, b, daemons.items[i], e))
			return -1;
	return 0;
}

/* 1 when the source has the account under this number, 0, -1. */
static int has_account(struct sql_conn *c, int64_t id, const char *username, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_FIND);

	sql_bind_text(st, username);
	int found = sql_find(st, e);

	return found > 0 ? sql_get_i64(st) == id : found;
}

static int compare_users(struct meta *from, struct meta *to, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *a = NULL;
	CLEANUP(sql_releasep) struct sql_conn *b = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	if (sql_reader(from->control, &a, e) || sql_reader(to->control, &b, e))
		return -1;
	st = sql_use(b, STMT_COPY_ACCOUNT_IDS);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		int64_t id = sql_get_i64(st);
		_free_ char *username = sql_get_text(st);
		int there = has_account(a, id, username, e);

		if (there < 0)
			return -1;
		if (!there)
			return err_permanent(e, "copy refused: the target has the user %s, which is not the source's", username);
	}
	return step == SQL_FAILED ? -1 : 0;
}

/* Does the source have these leaves at this place? 1, 0, -1. */
static int has_audit_batch(struct sql_conn *c, const char *daemon, uint64_t first_seq, const void *leaves, size_t length,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_COPY_AUDIT_BATCH_LEAVES);
	size_t n;

	sql_bind_text(st, daemon);
	sql_bind_u64(st, first_seq);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	const void *there = sql_get_bytes(st, &n);

	return n == length && memcmp(there, leaves, n) == 0;
}

/* Each of the target's audit sequences must be the beginning of the source's. */
static int compare_audit(struct meta *from, struct meta *to, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *a = NULL;
	CLEANUP(sql_releasep) struct sql_conn *b = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	if (sql_reader(from->control, &a, e) || sql_reader(to->control, &b, e))
		return -1;
	st = sql_use(b, STMT_COPY_AUDIT_LAST_BATCHES);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		_free_ char *daemon = sql_get_text(st);
		uint64_t first_seq = sql_get_u64(st);
		size_t n;
		const void *leaves = sql_get_bytes(st, &n);
		int there = has_audit_batch(a, daemon, first_seq, leaves, n, e);

		if (there < 0)
			return -1;
		if (!there)
			return err_permanent(e, "copy refused: the target's audit has records of its own, of the daemon %s", daemon);
	}
	return step == SQL_FAILED ? -1 : 0;
}

int meta_copy_allowed(struct meta *from, struct meta *to, struct err *e)
{
	return compare_messages(from, to, e) || compare_users(from, to, e) || compare_audit(from, to, e) ? -1 : 0;
}
