#include "meta/saved_search.h"

#include "meta/meta_private.h"

void saved_search_deinit(struct saved_search *s)
{
	free(s->name);
	free(s->request);
	*s = (struct saved_search){ 0 };
}

void saved_search_list_free(struct saved_search *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		saved_search_deinit(&list[i]);
	free(list);
}

/* ---- reading ---- */

/* In the order of STMT_SAVED_SEARCH_GET, STMT_SAVED_SEARCH_LIST and those of cases. */
static void take(struct sql_stmt *st, struct saved_search *s)
{
	*s = (struct saved_search){ 0 };
	sql_get_uuid(st, &s->id);
	s->account_id = sql_get_u64(st);
	s->version = sql_get_u64(st);
	s->name = sql_get_text(st);
	s->has_case = !sql_get_null(st);
	sql_get_uuid(st, &s->case_id);
	s->request = sql_get_text(st);
	s->created_us = sql_get_i64(st);
	s->changed_us = sql_get_i64(st);
}

static int get(struct sql_conn *c, enum statement how, uint64_t account_id, const struct uuid *id, struct saved_search *s_r,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, how);

	sql_bind_u64(st, account_id);
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found > 0)
		take(st, s_r);
	return found;
}

int meta_saved_search_get(struct meta *m, uint64_t account_id, const struct uuid *id, struct saved_search *s_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) ? -1 : get(c, STMT_SAVED_SEARCH_GET, account_id, id, s_r, e);
}

int meta_saved_search_get_to_run(struct meta *m, uint64_t account_id, const struct uuid *id, struct saved_search *s_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	int found = get(c, STMT_SAVED_SEARCH_GET, account_id, id, s_r, e);

	return found ? found : get(c, STMT_CASE_SEARCH_GET, account_id, id, s_r, e);
}

/* The rows of a list, whose statement takes the limit as its last value. */
static int take_all(struct sql_stmt *st, size_t limit, struct saved_search **list_r, size_t *n_r, struct err *e)
{
	struct saved_search *list = MEM_ARRAY(struct saved_search, limit);
	enum sql_result step;
	size_t n = 0;

	sql_bind_u64(st, limit);
	while ((step = sql_step(st, e)) == SQL_ROW)
		take(st, &list[n++]);
	if (step == SQL_FAILED) {
		saved_search_list_free(list, n);
		return -1;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

int meta_saved_search_list(struct meta *m, uint64_t account_id, const struct uuid *after, size_t limit,
	struct saved_search **list_r, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_SAVED_SEARCH_LIST);
	sql_bind_u64(st, account_id);
	sql_bind_uuid(st, after);
	return take_all(st, limit, list_r, n_r, e);
}

int meta_saved_search_list_of_case(struct meta *m, const struct uuid *case_id, const struct uuid *after, size_t limit,
	struct saved_search **list_r, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_CASE_SEARCHES);
	sql_bind_uuid(st, case_id);
	sql_bind_uuid(st, after);
	return take_all(st, limit, list_r, n_r, e);
}

/* ---- writing ---- */

static void bind_case(struct sql_stmt *st, const struct saved_search *s)
{
	if (s->has_case)
		sql_bind_uuid(st, &s->case_id);
	else
		sql_bind_null(st);
}

static int has_room(struct sql_conn *c, uint64_t account_id, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_SAVED_SEARCH_COUNT);
	uint64_t n;

	sql_bind_u64(st, account_id);
	return sql_number(st, &n, e) ? -1 : n < SAVED_SEARCHES_MAX;
}

int meta_saved_search_add(struct meta *m, const struct saved_search *s, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	int room = has_room(c, s->account_id, e);

	if (room <= 0)
		return room;
	struct sql_stmt *st = sql_use(c, STMT_SAVED_SEARCH_ADD);

	sql_bind_uuid(st, &s->id);
	sql_bind_u64(st, s->account_id);
	sql_bind_text(st, s->name);
	bind_case(st, s);
	sql_bind_text(st, s->request);
	sql_bind_i64(st, s->created_us);
	sql_bind_i64(st, s->created_us);
	return sql_run(st, e) != SQL_DONE || sql_commit(c, e) ? -1 : 1;
}

int meta_saved_search_change(struct meta *m, const struct saved_search *s, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_SAVED_SEARCH_SET);

	sql_bind_text(st, s->name);
	bind_case(st, s);
	sql_bind_text(st, s->request);
	sql_bind_i64(st, s->changed_us);
	sql_bind_u64(st, s->account_id);
	sql_bind_uuid(st, &s->id);
	sql_bind_u64(st, s->version);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (!sql_changed(c))
		return 0;
	return sql_commit(c, e) ? -1 : 1;
}

int meta_saved_search_remove(struct meta *m, uint64_t account_id, const struct uuid *id, uint64_t version, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_SAVED_SEARCH_REMOVE);

	sql_bind_u64(st, account_id);
	sql_bind_uuid(st, id);
	sql_bind_u64(st, version);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (!sql_changed(c))
		return 0;
	return sql_commit(c, e) ? -1 : 1;
}
