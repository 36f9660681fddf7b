#include "meta/by_ids.h"
#include "meta/meta_private.h"

#include <string.h>

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

/* In the order of STMT_MESSAGE_GET, behind the id. */
static void take_message(void *rows, size_t i, struct sql_stmt *st)
{
	struct message_row *r = (struct message_row *)rows + i;

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

void message_row_take_participant(struct participant **list, size_t *n, struct sql_stmt *st)
{
	*list = by_ids_grow(*list, *n, sizeof(**list));
	struct participant *p = &(*list)[(*n)++];

	p->role = (enum participant_role)sql_get_i64(st);
	p->name = sql_get_text(st);
	p->address = sql_get_text(st);
	p->normal = sql_get_text(st);
}

static void take_participant(void *rows, size_t i, struct sql_stmt *st)
{
	struct message_row *r = (struct message_row *)rows + i;

	message_row_take_participant(&r->participants, &r->participant_count, st);
}

static void take_attachment(void *rows, size_t i, struct sql_stmt *st)
{
	struct message_row *r = (struct message_row *)rows + i;

	r->attachments = by_ids_grow(r->attachments, r->attachment_count, sizeof(*r->attachments));
	struct attachment *a = &r->attachments[r->attachment_count++];

	a->name = sql_get_text(st);
	a->content_type = sql_get_text(st);
	a->size = sql_get_u64(st);
	sql_get_fixed(st, a->sha256, SHA256_SIZE);
}

static bool has_any(const struct message_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (message_row_is_there(&rows[i]))
			return true;
	return false;
}

/* The three tables need no snapshot: they are written in one transaction and never change. Of a message that came in
 * between there are the lists alone. */
static int load_some(struct sql_conn *c, const struct uuid *ids, size_t n, struct message_row *rows, struct err *e)
{
	if (by_ids_load(c, STMT_MESSAGE_GET, ids, n, take_message, rows, e))
		return -1;
	if (!has_any(rows, n))
		return 0;
	if (by_ids_load(c, STMT_PARTICIPANTS_GET, ids, n, take_participant, rows, e) ||
		by_ids_load(c, STMT_ATTACHMENTS_GET, ids, n, take_attachment, rows, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (message_row_is_there(&rows[i]))
			rows[i].id = ids[i];
		else
			message_row_deinit(&rows[i]);
	return 0;
}

static int load_rows(struct sql_conn *c, const struct uuid *ids, size_t n, struct message_row *rows_r, struct err *e)
{
	memset(rows_r, 0, n * sizeof(*rows_r));
	for (size_t from = 0; from < n; from += SQL_IDS_MAX) {
		if (load_some(c, ids + from, n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX, rows_r + from, e) == 0)
			continue;
		for (size_t i = 0; i < n; i++)
			message_row_deinit(&rows_r[i]);
		return -1;
	}
	return 0;
}

/* 1, 0, -1. */
static int load_row(struct sql_conn *c, const struct uuid *id, struct message_row *row_r, struct err *e)
{
	return load_rows(c, id, 1, row_r, e) ? -1 : message_row_is_there(row_r);
}

int message_row_load(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : load_row(c, id, row_r, e);
}

int message_rows_load(struct meta *m, const struct uuid *ids, size_t n, struct message_row *rows_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : load_rows(c, ids, n, rows_r, e);
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
