#include "meta/meta_private.h"

void message_row_forget_origin(struct message_row *r)
{
	if (!r->origin)
		return;
	locator_deinit(&r->origin->locator);
	free(r->origin->lock_mode);
	free(r->origin);
	r->origin = NULL;
}

void message_row_deinit(struct message_row *r)
{
	free(r->capture_point);
	free(r->subject);
	free(r->message_id);
	free(r->queue_id);
	free(r->evidence);
	free(r->lock_mode);
	free(r->policy_version);
	locator_deinit(&r->locator);
	message_row_forget_origin(r);
	participants_free(r->participants, r->participant_count);
	attachments_free(r->attachments, r->attachment_count);
	*r = (struct message_row){ 0 };
}

static void take_place(struct sql_stmt *st, struct locator *l, char **lock_mode, int64_t *retain_until_us)
{
	l->bucket = sql_get_text(st);
	l->key = sql_get_text(st);
	l->version = sql_get_text(st);
	l->offset = sql_get_u64(st);
	l->length = sql_get_u64(st);
	*lock_mode = sql_get_text(st);
	*retain_until_us = sql_get_i64(st);
}

/* The object is elsewhere: what was read of the message becomes its origin. */
static void take_relocation(struct sql_stmt *st, struct message_row *r)
{
	if (sql_get_null(st))
		return;
	r->origin = MEM_NEW(struct message_origin);
	*r->origin = (struct message_origin){ r->locator, r->lock_mode, r->retain_until_us };
	r->moved_us = sql_get_i64(st);
	take_place(st, &r->locator, &r->lock_mode, &r->retain_until_us);
}

/* In the order of STMT_MESSAGE_GET. */
static void take_message(struct sql_stmt *st, struct message_row *r)
{
	sql_get_uuid(st, &r->id);
	r->received_us = sql_get_i64(st);
	r->date_us = sql_get_i64(st);
	r->header_date_us = sql_get_i64(st);
	r->size = sql_get_u64(st);
	sql_get_fixed(st, r->sha256, SHA256_SIZE);
	r->kind = (enum capture_kind)sql_get_i64(st);
	r->capture_point = sql_get_text(st);
	r->subject = sql_get_text(st);
	r->message_id = sql_get_text(st);
	r->parse_flags = (uint32_t)sql_get_i64(st);
	r->queue_id = sql_get_text(st);
	r->evidence = sql_get_text(st);
	r->policy_version = sql_get_text(st);
	take_place(st, &r->locator, &r->lock_mode, &r->retain_until_us);
	take_relocation(st, r);
}

static int load_message(struct sql_conn *c, const struct uuid *id, struct message_row *r,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MESSAGE_GET);

	sql_bind_uuid(st, id);
	switch (sql_step(st, e)) {
	case SQL_ROW:
		take_message(st, r);
		return 1;
	case SQL_DONE:
		return 0;
	default:
		return -1;
	}
}

/* Room for one more item behind n; doubles. */
static void *grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : mem_realloc(list, n ? 2 * n : 1, size);
}

static int load_participants(struct sql_conn *c, struct message_row *r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_PARTICIPANTS_GET);
	enum sql_result step;

	sql_bind_uuid(st, &r->id);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		r->participants = grow(r->participants, r->participant_count,
			sizeof(*r->participants));
		struct participant *p = &r->participants[r->participant_count++];

		p->role = (enum participant_role)sql_get_i64(st);
		p->name = sql_get_text(st);
		p->address = sql_get_text(st);
		p->normal = sql_get_text(st);
	}
	return step == SQL_DONE ? 0 : -1;
}

static int load_attachments(struct sql_conn *c, struct message_row *r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_ATTACHMENTS_GET);
	enum sql_result step;

	sql_bind_uuid(st, &r->id);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		r->attachments = grow(r->attachments, r->attachment_count, sizeof(*r->attachments));
		struct attachment *a = &r->attachments[r->attachment_count++];

		a->name = sql_get_text(st);
		a->content_type = sql_get_text(st);
		a->size = sql_get_u64(st);
		sql_get_fixed(st, a->sha256, SHA256_SIZE);
	}
	return step == SQL_DONE ? 0 : -1;
}

/* The three tables need no snapshot: they are written in one transaction and never change. */
static int load_row(struct sql_conn *c, const struct uuid *id, struct message_row *row_r, struct err *e)
{
	CLEANUP(message_row_deinit) struct message_row r = { 0 };
	int found = load_message(c, id, &r, e);

	if (found <= 0)
		return found;
	if (load_participants(c, &r, e) || load_attachments(c, &r, e))
		return -1;
	*row_r = r;
	r = (struct message_row){ 0 };
	return 1;
}

int message_row_load(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : load_row(c, id, row_r, e);
}

int message_row_load_behind(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader_behind(m->capture, &c, e))
		return -1;
	int found = load_row(c, id, row_r, e);

	return found <= 0 && sql_is_behind(c) ? message_row_load(m, id, row_r, e) : found;
}
