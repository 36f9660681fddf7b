#include "meta/retention.h"

#include "meta/keep_gate.h"
#include "meta/meta_private.h"

#include <string.h>

void retention_policy_deinit(struct retention_policy *p)
{
	free(p->name);
	free(p->subject);
	free(p->reason);
	*p = (struct retention_policy){ 0 };
}

void retention_policies_deinit(struct retention_policies *list)
{
	for (size_t i = 0; i < list->n; i++)
		retention_policy_deinit(&list->items[i]);
	free(list->items);
	*list = (struct retention_policies){ 0 };
}

static void take_policy(struct sql_stmt *st, struct retention_policy *p)
{
	p->change = sql_get_u64(st);
	sql_get_uuid(st, &p->id);
	p->revision = sql_get_u64(st);
	p->at_us = sql_get_i64(st);
	p->account_id = sql_get_u64(st);
	p->place = sql_get_u64(st);
	p->name = sql_get_text(st);
	p->kind = (enum retention_kind)sql_get_i64(st);
	p->subject = sql_get_text(st);
	p->days = sql_get_u64(st);
	p->ended = sql_get_i64(st) != 0;
	p->reason = sql_get_text(st);
}

/* The rows of a statement that has nothing to bind, or an id. */
static int list_policies(struct meta *m, enum statement s, const struct uuid *id, struct retention_policies *list_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*list_r = (struct retention_policies){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, s);
	if (id)
		sql_bind_uuid(st, id);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		list_r->items = mem_realloc(list_r->items, list_r->n + 1, sizeof(*list_r->items));
		take_policy(st, &list_r->items[list_r->n++]);
	}
	if (step != SQL_FAILED)
		return 0;
	retention_policies_deinit(list_r);
	return -1;
}

int meta_retention_list(struct meta *m, struct retention_policies *list_r, struct err *e)
{
	return list_policies(m, STMT_RETENTION_LIST, NULL, list_r, e);
}

int meta_retention_history(struct meta *m, const struct uuid *id, struct retention_policies *list_r, struct err *e)
{
	return list_policies(m, STMT_RETENTION_HISTORY, id, list_r, e);
}

int meta_retention_get(struct meta *m, const struct uuid *id, struct retention_policy *p_r, struct err *e)
{
	CLEANUP(retention_policies_deinit) struct retention_policies all = { 0 };

	if (meta_retention_history(m, id, &all, e))
		return -1;
	if (all.n == 0)
		return 0;
	*p_r = all.items[--all.n];
	return 1;
}

int meta_retention_put(struct meta *m, const struct retention_policy *p, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (keep_gate_begin(m, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_RETENTION_ADD);

	sql_bind_uuid(st, &p->id);
	sql_bind_u64(st, p->revision);
	sql_bind_i64(st, p->at_us);
	sql_bind_u64(st, p->account_id);
	sql_bind_u64(st, p->place);
	sql_bind_text(st, p->name);
	sql_bind_i64(st, (int64_t)p->kind);
	sql_bind_text(st, p->subject);
	sql_bind_u64(st, p->days);
	sql_bind_i64(st, p->ended);
	sql_bind_text(st, p->reason);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		return keep_gate_commit(m, &c, e) ? -1 : 1;
	case SQL_DUPLICATE:
		return 0;
	default:
		return -1;
	}
}

int meta_retention_newest(struct meta *m, uint64_t *change_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) ? -1 : sql_number(sql_use(c, STMT_RETENTION_NEWEST), change_r, e);
}

static int take_extensions(struct sql_conn *c, const struct uuid *ids, size_t n, int64_t *until_us_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_EXTENSION_GET);
	enum sql_result step;

	sql_bind_ids(st, ids, n);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		struct uuid id;

		sql_get_uuid(st, &id);
		int64_t until_us = sql_get_i64(st);

		for (size_t i = 0; i < n; i++)
			if (memcmp(&ids[i], &id, sizeof(id)) == 0 && until_us_r[i] < until_us)
				until_us_r[i] = until_us;
	}
	return step == SQL_FAILED ? -1 : 0;
}

int meta_retention_extended(struct meta *m, const struct uuid *ids, size_t n, int64_t *until_us_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	memset(until_us_r, 0, n * sizeof(*until_us_r));
	if (sql_reader(m->capture, &c, e))
		return -1;
	for (size_t from = 0; from < n; from += SQL_IDS_MAX)
		if (take_extensions(c, ids + from, n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX, until_us_r + from, e))
			return -1;
	return 0;
}
