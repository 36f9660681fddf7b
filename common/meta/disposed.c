#include "meta/disposed.h"

#include "meta/meta_private.h"

#include <string.h>

static void take(struct sql_stmt *st, struct disposed *d)
{
	sql_get_uuid(st, &d->id);
	sql_get_uuid(st, &d->disposition);
	d->at_us = sql_get_i64(st);
	d->removed_us = sql_get_i64(st);
}

/* Some of the ids; what is said of them is in the order of nothing. */
static int take_some(struct sql_conn *c, const struct uuid *ids, size_t n, struct disposed *list, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_DISPOSED_GET);
	enum sql_result step;

	sql_bind_ids(st, ids, n);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		struct disposed d;

		take(st, &d);
		for (size_t i = 0; i < n; i++)
			if (memcmp(&ids[i], &d.id, UUID_SIZE) == 0)
				list[i] = d;
	}
	return step == SQL_FAILED ? -1 : 0;
}

int meta_disposed_of(struct meta *m, const struct uuid *ids, size_t n, struct disposed *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	for (size_t i = 0; i < n; i++)
		list_r[i] = (struct disposed){ .id = ids[i] };
	if (n == 0)
		return 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	for (size_t from = 0; from < n; from += SQL_IDS_MAX)
		if (take_some(c, ids + from, n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX, list_r + from, e))
			return -1;
	return 0;
}

int meta_disposed_get(struct meta *m, const struct uuid *id, struct disposed *d_r, struct err *e)
{
	return meta_disposed_of(m, id, 1, d_r, e) ? -1 : d_r->at_us != 0;
}

int meta_disposed_list(struct meta *m, const struct uuid *after, const struct uuid *until, struct disposed *list_r, size_t max,
	size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*n_r = 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_DISPOSED_LIST);
	sql_bind_uuid(st, after);
	sql_bind_uuid(st, until);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max)
		take(st, &list_r[(*n_r)++]);
	return step == SQL_FAILED ? -1 : 0;
}

int meta_disposed_count(struct meta *m, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : sql_number(sql_use(c, STMT_DISPOSED_COUNT), n_r, e);
}

int disposed_get_disposal(struct sql_conn *c, const struct uuid *disposition, struct disposal *d_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_DISPOSAL_GET);

	*d_r = (struct disposal){ .disposition = *disposition };
	sql_bind_uuid(st, disposition);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	sql_get_uuid(st, &d_r->at);
	d_r->looked = sql_get_u64(st);
	d_r->disposed = sql_get_u64(st);
	d_r->held = sql_get_u64(st);
	d_r->kept = sql_get_u64(st);
	d_r->began_us = sql_get_i64(st);
	d_r->walked_us = sql_get_i64(st);
	d_r->finished_us = sql_get_i64(st);
	return 1;
}

int meta_disposal_get(struct meta *m, const struct uuid *disposition, struct disposal *d_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : disposed_get_disposal(c, disposition, d_r, e);
}

static int count_waiting(struct sql_conn *c, const struct uuid *disposition, uint64_t tries, uint64_t *n_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_REMOVAL_COUNT);

	sql_bind_uuid(st, disposition);
	sql_bind_u64(st, tries);
	return sql_number(st, n_r, e);
}

int meta_disposal_waiting(struct meta *m, const struct uuid *disposition, uint64_t *waiting_r, uint64_t *refused_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	return count_waiting(c, disposition, 0, waiting_r, e) || count_waiting(c, disposition, 1, refused_r, e) ? -1 : 0;
}

/* ---- for strongroom-workerd ---- */

/* Adds up to max to the *n that are there. */
static int take_removals(struct sql_stmt *st, struct removal *list, size_t max, size_t *n, struct err *e)
{
	enum sql_result step;

	while ((step = sql_step(st, e)) == SQL_ROW && *n < max) {
		struct removal *r = &list[(*n)++];

		sql_get_uuid(st, &r->id);
		sql_get_uuid(st, &r->disposition);
		r->tries = sql_get_u64(st);
	}
	return step == SQL_FAILED ? -1 : 0;
}

int disposed_list_removals(struct sql_conn *c, int64_t now_us, struct removal *list_r, size_t max, size_t *n_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_REMOVAL_LIST);

	*n_r = 0;
	sql_bind_i64(st, now_us);
	sql_bind_u64(st, max);
	return take_removals(st, list_r, max, n_r, e);
}

static int get_removals(struct sql_conn *c, const struct uuid *ids, size_t n, struct removal *list, size_t max, size_t *found,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_REMOVAL_GET);

	sql_bind_ids(st, ids, n);
	return take_removals(st, list, max, found, e);
}

int meta_removal_of(struct meta *m, const struct uuid *ids, size_t n, struct removal *list_r, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	*n_r = 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	for (size_t from = 0; from < n; from += SQL_IDS_MAX)
		if (get_removals(c, ids + from, n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX, list_r, n, n_r, e))
			return -1;
	return 0;
}

int meta_removal_list(struct meta *m, int64_t now_us, struct removal *list_r, size_t max, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : disposed_list_removals(c, now_us, list_r, max, n_r, e);
}

int meta_removal_due(struct meta *m, int64_t now_us, struct err *e)
{
	struct removal one;
	size_t n;

	return meta_removal_list(m, now_us, &one, 1, &n, e) ? -1 : n > 0;
}

int meta_index_removal_list(struct meta *m, int64_t again_us, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*n_r = 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_INDEX_REMOVAL_LIST);
	sql_bind_i64(st, again_us);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max)
		sql_get_uuid(st, &ids_r[(*n_r)++]);
	return step == SQL_FAILED ? -1 : 0;
}

int meta_index_removal_count(struct meta *m, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : sql_number(sql_use(c, STMT_INDEX_REMOVAL_COUNT), n_r, e);
}

/* Of those that were removed before again_us nothing stays; the others are looked at once more. */
static int note_removal(struct sql_conn *c, const struct uuid *id, int64_t again_us, int64_t now_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_INDEX_REMOVAL_END);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, again_us);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	st = sql_use(c, STMT_INDEX_REMOVAL_NOTE);
	sql_bind_i64(st, now_us);
	sql_bind_uuid(st, id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

int meta_index_removal_done(struct meta *m, const struct uuid *ids, size_t n, int64_t again_us, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (note_removal(c, &ids[i], again_us, now_us, e))
			return -1;
	return sql_commit(c, e);
}
