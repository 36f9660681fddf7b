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
static void take_message(struct sql_stmt *st, struct message_row *r)
{
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

/* Messages that are loaded together. */
struct list {
	const struct uuid *ids;
	struct message_row *rows;
	size_t n;
	size_t at; /* the one whose row came last */
};

/* That of the id in the column; NULL for an id that nobody asked for. */
static struct message_row *find_row(struct list *l, struct sql_stmt *st)
{
	struct uuid id;

	sql_get_uuid(st, &id);
	for (size_t i = 0; i < l->n; i++, l->at = (l->at + 1) % l->n) /* mostly it is this one or the next */
		if (memcmp(id.bytes, l->ids[l->at].bytes, UUID_SIZE) == 0)
			return &l->rows[l->at];
	return NULL;
}

/* Runs a statement for all the ids, and has its rows taken. */
static int load_all(struct sql_conn *c, struct list *l, enum statement s, void (*take)(struct sql_stmt *, struct message_row *),
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, s);
	enum sql_result step;

	sql_bind_ids(st, l->ids, l->n);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		struct message_row *r = find_row(l, st);

		if (!r)
			continue;
		r->id = l->ids[l->at];
		take(st, r);
	}
	return step == SQL_DONE ? 0 : -1;
}

/* Room for one more item behind n; doubles. */
static void *grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : mem_realloc(list, n ? 2 * n : 1, size);
}

static void take_participant(struct sql_stmt *st, struct message_row *r)
{
	r->participants = grow(r->participants, r->participant_count, sizeof(*r->participants));
	struct participant *p = &r->participants[r->participant_count++];

	p->role = (enum participant_role)sql_get_i64(st);
	p->name = sql_get_text(st);
	p->address = sql_get_text(st);
	p->normal = sql_get_text(st);
}

static void take_attachment(struct sql_stmt *st, struct message_row *r)
{
	r->attachments = grow(r->attachments, r->attachment_count, sizeof(*r->attachments));
	struct attachment *a = &r->attachments[r->attachment_count++];

	a->name = sql_get_text(st);
	a->content_type = sql_get_text(st);
	a->size = sql_get_u64(st);
	sql_get_fixed(st, a->sha256, SHA256_SIZE);
}

static bool has_any(const struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (message_row_is_there(&l->rows[i]))
			return true;
	return false;
}

/* The three tables need no snapshot: they are written in one transaction and never change. Of a message that came in
 * between there are the lists alone. */
static int load_some(struct sql_conn *c, struct list *l, struct err *e)
{
	if (load_all(c, l, STMT_MESSAGE_GET, take_message, e))
		return -1;
	if (!has_any(l))
		return 0;
	if (load_all(c, l, STMT_PARTICIPANTS_GET, take_participant, e) || load_all(c, l, STMT_ATTACHMENTS_GET, take_attachment, e))
		return -1;
	for (size_t i = 0; i < l->n; i++)
		if (!message_row_is_there(&l->rows[i]))
			message_row_deinit(&l->rows[i]);
	return 0;
}

static int load_rows(struct sql_conn *c, const struct uuid *ids, size_t n, struct message_row *rows_r, struct err *e)
{
	memset(rows_r, 0, n * sizeof(*rows_r));
	for (size_t from = 0; from < n; from += SQL_IDS_MAX) {
		struct list l = { ids + from, rows_r + from, n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX, 0 };

		if (load_some(c, &l, e) == 0)
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
