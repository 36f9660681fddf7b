#include "meta/hold.h"

#include "meta/keep_gate.h"
#include "meta/meta_private.h"

#include <string.h>

void hold_deinit(struct hold *h)
{
	free(h->name);
	free(h->scope);
	free(h->query);
	free(h->placed.reason);
	free(h->lifted.reason);
	*h = (struct hold){ 0 };
}

void holds_deinit(struct holds *list)
{
	for (size_t i = 0; i < list->n; i++)
		hold_deinit(&list->items[i]);
	free(list->items);
	*list = (struct holds){ 0 };
}

/* ---- placing and lifting ---- */

static enum sql_result add_event(struct sql_conn *c, const struct uuid *id, enum hold_event event, const struct hold_act *act,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_HOLD_EVENT_ADD);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, (int64_t)event);
	sql_bind_i64(st, act->at_us);
	sql_bind_u64(st, act->account_id);
	sql_bind_text(st, act->reason);
	return sql_run(st, e);
}

static int add_hold(struct sql_conn *c, const struct hold *h, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_HOLD_ADD);

	sql_bind_uuid(st, &h->id);
	if (h->has_case)
		sql_bind_uuid(st, &h->case_id);
	else
		sql_bind_null(st);
	sql_bind_text(st, h->name);
	sql_bind_i64(st, (int64_t)h->kind);
	sql_bind_text(st, h->scope);
	sql_bind_text(st, h->query);
	sql_bind_i64(st, h->standing);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

static int add_message(struct sql_conn *c, const struct uuid *hold, const struct uuid *message, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_HOLD_MESSAGE_ADD);

	sql_bind_uuid(st, hold);
	sql_bind_uuid(st, message);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

int meta_hold_place(struct meta *m, const struct hold *h, const struct uuid *messages, size_t n, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (keep_gate_begin(m, &c, e) || add_hold(c, h, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_message(c, &h->id, &messages[i], e))
			return -1;
	return add_event(c, &h->id, HOLD_PLACED, &h->placed, e) == SQL_DONE ? keep_gate_commit(m, &c, e) : -1;
}

int meta_hold_lift(struct meta *m, const struct uuid *id, const struct hold_act *act, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	switch (add_event(c, id, HOLD_LIFTED, act, e)) {
	case SQL_DONE:
		return sql_commit(c, e) ? -1 : 1;
	case SQL_DUPLICATE:
		return 0;
	default:
		return -1;
	}
}

/* ---- reading ---- */

void hold_act_take(struct sql_stmt *st, struct hold_act *act)
{
	act->at_us = sql_get_i64(st);
	act->account_id = sql_get_u64(st);
	act->reason = sql_get_text(st);
}

static void take_hold(struct sql_stmt *st, struct hold *h)
{
	sql_get_uuid(st, &h->id);
	h->has_case = !sql_get_null(st);
	sql_get_uuid(st, &h->case_id);
	h->name = sql_get_text(st);
	h->kind = (enum hold_kind)sql_get_i64(st);
	h->scope = sql_get_text(st);
	h->query = sql_get_text(st);
	h->standing = sql_get_i64(st) != 0;
	hold_act_take(st, &h->placed);
	hold_act_take(st, &h->lifted);
}

int meta_hold_get(struct meta *m, const struct uuid *id, struct hold *h_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_HOLD_GET);
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found > 0) {
		*h_r = (struct hold){ 0 };
		take_hold(st, h_r);
	}
	return found;
}

/* The rows of a list, whose statement takes max as its last value. */
static int take_holds(struct sql_stmt *st, size_t max, struct holds *list_r, struct err *e)
{
	enum sql_result step;

	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		list_r->items = mem_realloc(list_r->items, list_r->n + 1, sizeof(*list_r->items));
		list_r->items[list_r->n] = (struct hold){ 0 };
		take_hold(st, &list_r->items[list_r->n++]);
	}
	if (step != SQL_FAILED)
		return 0;
	holds_deinit(list_r);
	return -1;
}

int meta_hold_list(struct meta *m, const struct uuid *after, size_t max, struct holds *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	*list_r = (struct holds){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_HOLD_LIST);
	sql_bind_uuid(st, after);
	return take_holds(st, max, list_r, e);
}

int meta_hold_list_of_case(struct meta *m, const struct uuid *case_id, const struct uuid *after, size_t max, struct holds *list_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	*list_r = (struct holds){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_CASE_HOLDS);
	sql_bind_uuid(st, case_id);
	sql_bind_uuid(st, after);
	return take_holds(st, max, list_r, e);
}

int meta_hold_version(struct meta *m, uint64_t *version_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) ? -1 : sql_number(sql_use(c, STMT_HOLD_VERSION), version_r, e);
}

/* Ids that a statement gives for a hold, behind another. */
static int list_ids(struct sql_db *db, enum statement s, const struct uuid *hold, const struct uuid *after, struct uuid *ids_r,
	size_t max, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*n_r = 0;
	if (sql_reader(db, &c, e))
		return -1;
	st = sql_use(c, s);
	sql_bind_uuid(st, hold);
	sql_bind_uuid(st, after);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max)
		sql_get_uuid(st, &ids_r[(*n_r)++]);
	return step == SQL_FAILED ? -1 : 0;
}

int meta_hold_messages(struct meta *m, const struct uuid *hold, const struct uuid *after, struct uuid *ids_r, size_t max,
	size_t *n_r, struct err *e)
{
	return list_ids(m->control, STMT_HOLD_MESSAGES, hold, after, ids_r, max, n_r, e);
}

int meta_hold_members(struct meta *m, const struct uuid *hold, const struct uuid *after, struct uuid *ids_r, size_t max,
	size_t *n_r, struct err *e)
{
	return list_ids(m->capture, STMT_MESSAGE_HOLD_MEMBERS, hold, after, ids_r, max, n_r, e);
}

/* ---- messages ---- */

bool message_holds_has(const struct message_holds *list, const struct uuid *message, const struct uuid *hold)
{
	for (size_t i = 0; i < list->n; i++)
		if (memcmp(&list->items[i].message, message, UUID_SIZE) == 0 && memcmp(&list->items[i].hold, hold, UUID_SIZE) == 0)
			return true;
	return false;
}

static void add(struct message_holds *list, struct sql_stmt *st)
{
	struct message_hold h;

	sql_get_uuid(st, &h.message);
	sql_get_uuid(st, &h.hold);
	if (message_holds_has(list, &h.message, &h.hold))
		return;
	list->items = mem_realloc(list->items, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = h;
}

static int add_all(struct sql_stmt *st, struct message_holds *list, struct err *e)
{
	enum sql_result step;

	while ((step = sql_step(st, e)) == SQL_ROW)
		add(list, st);
	return step == SQL_FAILED ? -1 : 0;
}

static int add_holds_of(struct sql_conn *c, enum statement s, const struct uuid *ids, size_t n, struct message_holds *list,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, s);

	sql_bind_ids(st, ids, n);
	return add_all(st, list, e);
}

int meta_message_holds(struct meta *m, const struct uuid *ids, size_t n, struct message_holds *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	*list_r = (struct message_holds){ 0 };
	if (sql_reader(m->capture, &c, e))
		return -1;
	for (size_t from = 0; from < n; from += SQL_IDS_MAX) {
		size_t some = n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX;

		if (add_holds_of(c, STMT_MESSAGE_HOLD_GET, ids + from, some, list_r, e) ||
			add_holds_of(c, STMT_HOLD_WORK_GET, ids + from, some, list_r, e)) {
			free(list_r->items);
			return -1;
		}
	}
	return 0;
}

int meta_hold_work(struct meta *m, size_t max, struct message_holds *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	*list_r = (struct message_holds){ 0 };
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_HOLD_WORK_LIST);
	sql_bind_u64(st, max);
	if (add_all(st, list_r, e) == 0)
		return 0;
	free(list_r->items);
	*list_r = (struct message_holds){ 0 };
	return -1;
}
