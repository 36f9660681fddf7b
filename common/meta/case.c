#include "meta/case.h"

#include "meta/meta_private.h"

/* Stored in the database. */
enum { OPENED = 1, CLOSED = 2 };

void legal_case_deinit(struct legal_case *k)
{
	free(k->name);
	free(k->description);
	free(k->opened.reason);
	free(k->closed.reason);
	*k = (struct legal_case){ 0 };
}

void legal_cases_deinit(struct legal_cases *list)
{
	for (size_t i = 0; i < list->n; i++)
		legal_case_deinit(&list->items[i]);
	free(list->items);
	*list = (struct legal_cases){ 0 };
}

void case_notes_deinit(struct case_notes *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].note);
	free(list->items);
	*list = (struct case_notes){ 0 };
}

void case_tags_deinit(struct case_tags *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].tag);
	free(list->items);
	*list = (struct case_tags){ 0 };
}

static int begin(struct meta *m, struct sql_conn **c_r, struct err *e)
{
	return sql_writer(m->control, c_r, e) || sql_begin(*c_r, SQL_DURABLE, e) ? -1 : 0;
}

/* ---- cases ---- */

static enum sql_result add_event(struct sql_conn *c, const struct uuid *id, int event, const struct hold_act *act, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_CASE_EVENT_ADD);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, event);
	sql_bind_i64(st, act->at_us);
	sql_bind_u64(st, act->account_id);
	sql_bind_text(st, act->reason);
	return sql_run(st, e);
}

static enum sql_result add_member(struct sql_conn *c, const struct uuid *id, uint64_t account_id, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_CASE_MEMBER_ADD);

	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return sql_run(st, e);
}

int meta_case_open(struct meta *m, const struct legal_case *k, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (begin(m, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_CASE_ADD);

	sql_bind_uuid(st, &k->id);
	sql_bind_text(st, k->name);
	sql_bind_text(st, k->description);
	if (sql_run(st, e) != SQL_DONE || add_event(c, &k->id, OPENED, &k->opened, e) != SQL_DONE ||
		add_member(c, &k->id, k->opened.account_id, e) != SQL_DONE)
		return -1;
	return sql_commit(c, e);
}

/* 1 when it was done, 0 when there was nothing to do, -1. */
static int finish(struct sql_conn *c, enum sql_result r, struct err *e)
{
	if (r == SQL_DONE)
		return sql_commit(c, e) ? -1 : 1;
	return r == SQL_DUPLICATE ? 0 : -1;
}

int meta_case_close(struct meta *m, const struct uuid *id, const struct hold_act *act, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return begin(m, &c, e) ? -1 : finish(c, add_event(c, id, CLOSED, act, e), e);
}

static void take_case(struct sql_stmt *st, struct legal_case *k)
{
	*k = (struct legal_case){ 0 };
	sql_get_uuid(st, &k->id);
	k->name = sql_get_text(st);
	k->description = sql_get_text(st);
	hold_act_take(st, &k->opened);
	hold_act_take(st, &k->closed);
}

int meta_case_get(struct meta *m, const struct uuid *id, uint64_t account_id, struct legal_case *k_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_CASE_GET);
	sql_bind_u64(st, account_id);
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found > 0)
		take_case(st, k_r);
	return found;
}

/* account_id: NULL for the cases of all. */
static int list_cases(struct meta *m, const uint64_t *account_id, const struct uuid *after, size_t max, struct legal_cases *list_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*list_r = (struct legal_cases){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, account_id ? STMT_CASE_LIST : STMT_CASE_LIST_ALL);
	if (account_id)
		sql_bind_u64(st, *account_id);
	sql_bind_uuid(st, after);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		list_r->items = mem_realloc(list_r->items, list_r->n + 1, sizeof(*list_r->items));
		take_case(st, &list_r->items[list_r->n++]);
	}
	if (step != SQL_FAILED)
		return 0;
	legal_cases_deinit(list_r);
	return -1;
}

int meta_case_list(struct meta *m, uint64_t account_id, const struct uuid *after, size_t max, struct legal_cases *list_r,
	struct err *e)
{
	return list_cases(m, &account_id, after, max, list_r, e);
}

int meta_case_list_all(struct meta *m, const struct uuid *after, size_t max, struct legal_cases *list_r, struct err *e)
{
	return list_cases(m, NULL, after, max, list_r, e);
}

/* ---- members ---- */

static int list_members(struct sql_conn *c, enum statement how, const struct uuid *id, uint64_t **ids_r, size_t *n_r,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, how);
	enum sql_result step;

	*ids_r = NULL;
	*n_r = 0;
	sql_bind_uuid(st, id);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		*ids_r = mem_realloc(*ids_r, *n_r + 1, sizeof(**ids_r));
		(*ids_r)[(*n_r)++] = sql_get_u64(st);
	}
	if (step != SQL_FAILED)
		return 0;
	free(*ids_r);
	*ids_r = NULL;
	return -1;
}

int meta_case_members(struct meta *m, const struct uuid *id, uint64_t **ids_r, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) ? -1 : list_members(c, STMT_CASE_MEMBERS, id, ids_r, n_r, e);
}

int meta_case_admit(struct meta *m, const struct uuid *id, uint64_t account_id, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t there;

	if (begin(m, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_CASE_ACCOUNT_HAS);

	sql_bind_u64(st, account_id);
	if (sql_number(st, &there, e))
		return -1;
	if (!there)
		return 0;
	enum sql_result r = add_member(c, id, account_id, e);

	return r == SQL_DUPLICATE ? 1 : finish(c, r, e);
}

/* Of two that leave at once, one is the last: they wait for each other. */
int meta_case_dismiss(struct meta *m, const struct uuid *id, uint64_t account_id, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	_free_ uint64_t *ids = NULL;
	bool is_member = false;
	size_t n;

	if (begin(m, &c, e) || list_members(c, STMT_CASE_MEMBERS_LOCK, id, &ids, &n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		is_member |= ids[i] == account_id;
	if (!is_member || n == 1)
		return 0;
	struct sql_stmt *st = sql_use(c, STMT_CASE_MEMBER_REMOVE);

	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return finish(c, sql_run(st, e), e);
}

/* ---- notes and tags ---- */

int meta_case_note_add(struct meta *m, const struct case_note *note, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (begin(m, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_CASE_NOTE_ADD);

	sql_bind_uuid(st, &note->id);
	sql_bind_uuid(st, &note->case_id);
	if (note->has_message)
		sql_bind_uuid(st, &note->message_id);
	else
		sql_bind_null(st);
	sql_bind_u64(st, note->account_id);
	sql_bind_text(st, note->note);
	return sql_run(st, e) == SQL_DONE ? sql_commit(c, e) : -1;
}

static void take_note(struct sql_stmt *st, struct case_note *note)
{
	sql_get_uuid(st, &note->id);
	sql_get_uuid(st, &note->case_id);
	note->has_message = !sql_get_null(st);
	sql_get_uuid(st, &note->message_id);
	note->account_id = sql_get_u64(st);
	note->note = sql_get_text(st);
}

int meta_case_note_list(struct meta *m, const struct uuid *case_id, const struct uuid *after, size_t max,
	struct case_notes *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*list_r = (struct case_notes){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_CASE_NOTE_LIST);
	sql_bind_uuid(st, case_id);
	sql_bind_uuid(st, after);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		list_r->items = mem_realloc(list_r->items, list_r->n + 1, sizeof(*list_r->items));
		take_note(st, &list_r->items[list_r->n++]);
	}
	if (step != SQL_FAILED)
		return 0;
	case_notes_deinit(list_r);
	return -1;
}

int meta_case_tag_add(struct meta *m, const struct case_tag *tag, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (begin(m, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_CASE_TAG_ADD);

	sql_bind_uuid(st, &tag->case_id);
	sql_bind_uuid(st, &tag->message_id);
	sql_bind_text(st, tag->tag);
	sql_bind_u64(st, tag->account_id);
	sql_bind_i64(st, tag->at_us);
	return finish(c, sql_run(st, e), e);
}

int meta_case_tag_remove(struct meta *m, const struct uuid *case_id, const struct uuid *message_id, const char *tag,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (begin(m, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_CASE_TAG_REMOVE);

	sql_bind_uuid(st, case_id);
	sql_bind_uuid(st, message_id);
	sql_bind_text(st, tag);
	enum sql_result r = sql_run(st, e);

	return r == SQL_DONE && sql_changed(c) == 0 ? 0 : finish(c, r, e);
}

static void take_tag(struct sql_stmt *st, struct case_tag *tag)
{
	sql_get_uuid(st, &tag->case_id);
	sql_get_uuid(st, &tag->message_id);
	tag->tag = sql_get_text(st);
	tag->account_id = sql_get_u64(st);
	tag->at_us = sql_get_i64(st);
}

int meta_case_tag_list(struct meta *m, const struct uuid *case_id, const struct uuid *message_id, const char *tag, size_t max,
	struct case_tags *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*list_r = (struct case_tags){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_CASE_TAG_LIST);
	sql_bind_uuid(st, case_id);
	sql_bind_uuid(st, message_id);
	sql_bind_uuid(st, message_id);
	sql_bind_text(st, tag);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		list_r->items = mem_realloc(list_r->items, list_r->n + 1, sizeof(*list_r->items));
		take_tag(st, &list_r->items[list_r->n++]);
	}
	if (step != SQL_FAILED)
		return 0;
	case_tags_deinit(list_r);
	return -1;
}
