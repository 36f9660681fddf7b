#include "meta/maintenance.h"

#include "base/clock.h"
#include "meta/meta_private.h"

int meta_message_load(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e)
{
	return message_row_load(m, id, row_r, e);
}

int meta_messages_load(struct meta *m, const struct uuid *ids, size_t n, struct message_row *rows_r, struct err *e)
{
	return message_rows_load(m, ids, n, rows_r, e);
}

/* All rows of a statement that gives ids. */
static int take_ids(struct sql_stmt *st, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e)
{
	enum sql_result step;

	*n_r = 0;
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max)
		sql_get_uuid(st, &ids_r[(*n_r)++]);
	return step == SQL_FAILED ? -1 : 0;
}

/* Up to max ids from `at` on, in the statement's direction. */
static int walk(struct meta *m, enum statement s, const struct uuid *at, struct uuid *ids_r, size_t max,
	size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, s);
	sql_bind_uuid(st, at);
	sql_bind_u64(st, max);
	return take_ids(st, ids_r, max, n_r, e);
}

int meta_message_walk(struct meta *m, const struct uuid *after, struct uuid *ids_r, size_t max,
	size_t *n_r, struct err *e)
{
	return walk(m, STMT_MESSAGE_WALK, after, ids_r, max, n_r, e);
}

int meta_message_walk_back(struct meta *m, const struct uuid *before, struct uuid *ids_r, size_t max,
	size_t *n_r, struct err *e)
{
	return walk(m, STMT_MESSAGE_WALK_BACK, before, ids_r, max, n_r, e);
}

static int count(struct meta *m, enum statement statement, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : sql_number(sql_use(c, statement), n_r, e);
}

int meta_message_count(struct meta *m, uint64_t *n_r, struct err *e)
{
	return count(m, STMT_MESSAGE_COUNT, n_r, e);
}

int meta_message_rows(struct meta *m, uint64_t *n_r, struct err *e)
{
	return count(m, STMT_MESSAGE_ROWS, n_r, e);
}

int meta_outbox_list(struct meta *m, int64_t before_us, struct uuid *ids_r, size_t max, size_t *n_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_OUTBOX_LIST);
	sql_bind_i64(st, before_us);
	sql_bind_i64(st, clock_now_us()); /* those of a clock that was ahead would wait for years */
	sql_bind_u64(st, max);
	return take_ids(st, ids_r, max, n_r, e);
}

/* Lazy: a row that comes back is indexed again, which changes nothing. */
int meta_outbox_clear(struct meta *m, const struct uuid *ids, size_t n, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (n == 0)
		return 0;
	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct sql_stmt *st = sql_use(c, STMT_OUTBOX_REMOVE);

		sql_bind_uuid(st, &ids[i]);
		if (sql_add(st, e) != SQL_DONE)
			return -1;
	}
	return sql_flush(c, e) == SQL_DONE ? sql_commit(c, e) : -1;
}

int meta_outbox_add(struct meta *m, const struct uuid *ids, size_t n, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (n == 0)
		return 0;
	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct sql_stmt *st = sql_use(c, STMT_OUTBOX_ADD);

		sql_bind_uuid(st, &ids[i]);
		sql_bind_i64(st, now_us);
		if (sql_run(st, e) == SQL_FAILED)
			return -1;
	}
	return sql_commit(c, e);
}

int meta_outbox_count(struct meta *m, uint64_t *n_r, int64_t *oldest_us_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_OUTBOX_OLDEST);
	if (sql_find(st, e) <= 0)
		return -1;
	*n_r = sql_get_u64(st);
	*oldest_us_r = sql_get_i64(st);
	return 0;
}

int meta_record_get(struct meta *m, const struct uuid *id, struct meta_record *r_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_RECORD_GET);
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	r_r->daemon = sql_get_text(st);
	r_r->seq = sql_get_u64(st);
	sql_get_fixed(st, r_r->nonce, LEDGER_NONCE_SIZE);
	sql_get_fixed(st, r_r->leaf, SHA256_SIZE);
	const void *record = sql_get_bytes(st, &r_r->record_length);

	r_r->record = mem_dup(record, r_r->record_length);
	return 1;
}

void meta_record_deinit(struct meta_record *r)
{
	free(r->daemon);
	free(r->record);
	*r = (struct meta_record){ 0 };
}
