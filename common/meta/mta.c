#include "meta/mta.h"

#include "meta/meta_private.h"

#define CAPTURED_AT_ONCE 5000

void mta_message_deinit(struct mta_message *m)
{
	free(m->host);
	free(m->queue_id);
	free(m->before_id);
	free(m->client);
	free(m->header_id);
	*m = (struct mta_message){ 0 };
}

void mta_found_deinit(struct mta_found *f)
{
	free(f->host);
	free(f->queue_id);
	free(f->client);
	free(f->header_id);
	*f = (struct mta_found){ 0 };
}

/* ---- keeping ---- */

static int remove_message(struct sql_conn *c, const struct mta_message *m, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_MTA_MESSAGE_REMOVE);

	sql_bind_text(st, m->host);
	sql_bind_text(st, m->queue_id);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static int put_message(struct sql_conn *c, const struct mta_message *m, struct err *e)
{
	if (remove_message(c, m, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_MTA_MESSAGE_ADD);

	sql_bind_text(st, m->host);
	sql_bind_text(st, m->queue_id);
	sql_bind_i64(st, (int64_t)m->origin);
	sql_bind_i64(st, m->begun_us);
	sql_bind_i64(st, m->accepted_us);
	sql_bind_i64(st, m->removed_us);
	sql_bind_i64(st, m->last_us);
	sql_bind_i64(st, (int64_t)m->fate);
	sql_bind_i64(st, m->captured ? 1 : m->looked_up ? 2 : 0);
	sql_bind_i64(st, m->slack_us);
	if (m->archived)
		sql_bind_uuid(st, &m->archive_id);
	else
		sql_bind_null(st);
	sql_bind_text(st, m->before_id);
	sql_bind_text(st, m->client);
	sql_bind_text(st, m->header_id);
	sql_bind_u64(st, m->pid);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static int put_incident(struct sql_conn *c, const struct mta_incident *i, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_MTA_INCIDENT_ADD);

	sql_bind_text(st, i->message->host);
	sql_bind_text(st, i->message->queue_id);
	sql_bind_i64(st, i->message->accepted_us);
	sql_bind_i64(st, i->found_us);
	sql_bind_text(st, i->message->client);
	sql_bind_text(st, i->message->header_id);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static int put_unaccepted(struct sql_conn *c, const struct mta_unaccepted *u, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_MTA_UNACCEPTED_ADD);

	sql_bind_uuid(st, &u->id);
	sql_bind_text(st, u->message->host);
	sql_bind_text(st, u->message->queue_id);
	sql_bind_i64(st, u->found_us);
	sql_bind_i64(st, (int64_t)u->message->fate);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static int withdraw(struct sql_conn *c, const struct mta_message *m, int64_t now_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_MTA_UNACCEPTED_WITHDRAW);

	sql_bind_i64(st, now_us);
	sql_bind_text(st, m->host);
	sql_bind_text(st, m->queue_id);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static enum sql_result run_place(struct sql_conn *c, enum statement s, const struct mta_place *p, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_i64(st, (int64_t)p->device);
	sql_bind_i64(st, (int64_t)p->inode);
	sql_bind_u64(st, p->position);
	sql_bind_i64(st, p->line_us);
	sql_bind_i64(st, p->read_us);
	sql_bind_text(st, p->path);
	return sql_run(st, e);
}

static int put_place(struct sql_conn *c, const struct mta_place *p, struct err *e)
{
	enum sql_result rc = run_place(c, STMT_MTA_LOG_ADD, p, e);

	if (rc == SQL_DUPLICATE)
		rc = run_place(c, STMT_MTA_LOG_SET, p, e);
	return rc == SQL_FAILED ? -1 : 0;
}

static int put_findings(struct sql_conn *c, const struct mta_result *r, int64_t now_us, struct err *e)
{
	for (size_t i = 0; i < r->incident_count; i++)
		if (put_incident(c, &r->incidents[i], e))
			return -1;
	for (size_t i = 0; i < r->unaccepted_count; i++)
		if (put_unaccepted(c, &r->unaccepted[i], e))
			return -1;
	for (size_t i = 0; i < r->released_count; i++)
		if (withdraw(c, r->released[i], now_us, e))
			return -1;
	return 0;
}

int meta_mta_keep(struct meta *m, const struct mta_result *r, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_DURABLE, e) || put_findings(c, r, now_us, e))
		return -1;
	for (size_t i = 0; i < r->closed_count; i++)
		if (remove_message(c, r->closed[i], e))
			return -1;
	for (size_t i = 0; i < r->changed_count; i++)
		if (put_message(c, r->changed[i], e))
			return -1;
	if (r->place && put_place(c, r->place, e))
		return -1;
	return sql_commit(c, e);
}

/* ---- reading ---- */

static void take_message(struct sql_stmt *st, struct mta_message *m)
{
	m->host = sql_get_text(st);
	m->queue_id = sql_get_text(st);
	m->origin = (enum mta_origin)sql_get_i64(st);
	m->begun_us = sql_get_i64(st);
	m->accepted_us = sql_get_i64(st);
	m->removed_us = sql_get_i64(st);
	m->last_us = sql_get_i64(st);
	m->fate = (enum mta_fate)sql_get_i64(st);
	int64_t captured = sql_get_i64(st);

	m->captured = captured == 1;
	m->looked_up = captured != 0;
	m->slack_us = sql_get_i64(st);
	m->archived = !sql_get_null(st);
	sql_get_uuid(st, &m->archive_id);
	m->before_id = sql_get_text(st);
	m->client = sql_get_text(st);
	m->header_id = sql_get_text(st);
	m->pid = sql_get_u64(st);
}

int meta_mta_open(struct meta *m, void (*take)(void *ctx, struct mta_message *message), void *ctx, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_MTA_MESSAGE_LIST);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		struct mta_message message = { 0 };

		take_message(st, &message);
		take(ctx, &message);
	}
	return step == SQL_FAILED ? -1 : 0;
}

int meta_mta_place(struct meta *m, const char *path, struct mta_place *p_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_MTA_LOG_GET);
	sql_bind_text(st, path);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	p_r->path = path;
	p_r->device = (uint64_t)sql_get_i64(st);
	p_r->inode = (uint64_t)sql_get_i64(st);
	p_r->position = sql_get_u64(st);
	p_r->line_us = sql_get_i64(st);
	p_r->read_us = sql_get_i64(st);
	return 1;
}

/* One piece; *from moves behind it. *n_r: how many there were. */
static int give_captured(struct sql_conn *c, struct uuid *from, const struct uuid *until, size_t *n_r,
	void (*take)(void *ctx, const char *queue_id, const struct uuid *id), void *ctx, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MTA_CAPTURED);
	struct uuid id = *from;
	enum sql_result step;

	*n_r = 0;
	sql_bind_uuid(st, from);
	sql_bind_uuid(st, until);
	sql_bind_u64(st, CAPTURED_AT_ONCE);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		sql_get_uuid(st, &id);
		_free_ char *queue_id = sql_get_text(st);

		take(ctx, queue_id, &id);
		++*n_r;
	}
	uuid_next(&id);
	sql_finishp(&st);
	*from = id;
	return step == SQL_FAILED ? -1 : 0;
}

int meta_mta_captured(struct meta *m, const struct uuid *from, const struct uuid *until,
	void (*take)(void *ctx, const char *queue_id, const struct uuid *id), void *ctx, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct uuid at = *from;
	size_t n = CAPTURED_AT_ONCE;

	if (sql_reader(m->capture, &c, e))
		return -1;
	while (n == CAPTURED_AT_ONCE)
		if (give_captured(c, &at, until, &n, take, ctx, e))
			return -1;
	return 0;
}

/* ---- for people ---- */

static int last_read(struct sql_conn *c, struct mta_counts *n, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MTA_LOG_LAST);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	n->line_us = sql_get_i64(st);
	n->read_us = sql_get_i64(st);
	return 0;
}

int meta_mta_counts(struct meta *m, struct mta_counts *c_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	*c_r = (struct mta_counts){ 0 };
	return sql_reader(m->capture, &c, e) || sql_number(sql_use(c, STMT_MTA_INCIDENT_COUNT), &c_r->incidents, e) ||
		sql_number(sql_use(c, STMT_MTA_UNACCEPTED_COUNT), &c_r->unaccepted, e) ||
		sql_number(sql_use(c, STMT_MTA_MESSAGE_COUNT), &c_r->undecided, e) || last_read(c, c_r, e) ? -1 : 0;
}

int meta_mta_incidents(struct meta *m, struct mta_found *found_r, size_t max, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*n_r = 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_MTA_INCIDENT_LIST);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max) {
		struct mta_found *f = &found_r[(*n_r)++];

		f->host = sql_get_text(st);
		f->queue_id = sql_get_text(st);
		f->client = sql_get_text(st);
		f->header_id = sql_get_text(st);
		f->accepted_us = sql_get_i64(st);
	}
	if (step != SQL_FAILED)
		return 0;
	while (*n_r)
		mta_found_deinit(&found_r[--*n_r]);
	return -1;
}

int meta_mta_settle(struct meta *m, const char *queue_id, const char *note, int64_t now_us, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_MTA_INCIDENT_SETTLE);

	sql_bind_i64(st, now_us);
	sql_bind_text(st, note);
	sql_bind_text(st, queue_id);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	*n_r = sql_changed(c);
	return sql_commit(c, e);
}
