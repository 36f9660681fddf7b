#include "meta/disposition.h"

#include "meta/disposed.h"
#include "meta/meta_private.h"
#include "meta/retention.h"

#include <string.h>

/* Stored in the database. */
enum { PROPOSED = 1, DECIDED = 2 };

void disposition_deinit(struct disposition *d)
{
	free(d->scope);
	free(d->proposed.reason);
	free(d->decided.reason);
	*d = (struct disposition){ 0 };
}

void dispositions_deinit(struct dispositions *list)
{
	for (size_t i = 0; i < list->n; i++)
		disposition_deinit(&list->items[i]);
	free(list->items);
	*list = (struct dispositions){ 0 };
}

/* ---- proposing and deciding ---- */

static int begin(struct meta *m, struct sql_conn **c_r, struct err *e)
{
	return sql_writer(m->control, c_r, e) || sql_begin(*c_r, SQL_DURABLE, e) ? -1 : 0;
}

static enum sql_result add_event(struct sql_conn *c, const struct uuid *id, int step, bool approved, const struct hold_act *act,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_DISPOSITION_EVENT_ADD);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, step);
	sql_bind_i64(st, approved);
	sql_bind_i64(st, act->at_us);
	sql_bind_u64(st, act->account_id);
	sql_bind_text(st, act->reason);
	return sql_run(st, e);
}

int meta_disposition_propose(struct meta *m, const struct disposition *d, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (begin(m, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_DISPOSITION_ADD);

	sql_bind_uuid(st, &d->id);
	sql_bind_text(st, d->scope);
	sql_bind_i64(st, d->expired_by_us);
	if (sql_run(st, e) != SQL_DONE || add_event(c, &d->id, PROPOSED, false, &d->proposed, e) != SQL_DONE)
		return -1;
	return sql_commit(c, e);
}

static int count_steps(struct sql_conn *c, const struct uuid *id, uint64_t account_id, uint64_t *n_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_DISPOSITION_STEPS_OF);

	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return sql_number(st, n_r, e);
}

/* The database would refuse a second step of the account anyway; but a row that it takes back makes others who decide at the
 * same time wait for each other. */
int meta_disposition_decide(struct meta *m, const struct uuid *id, bool approved, const struct hold_act *act, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t steps;

	if (begin(m, &c, e) || count_steps(c, id, act->account_id, &steps, e))
		return -1;
	if (steps)
		return 0;
	switch (add_event(c, id, DECIDED, approved, act, e)) {
	case SQL_DONE:
		return sql_commit(c, e) ? -1 : 1;
	case SQL_DUPLICATE:
		return 0;
	default:
		return -1;
	}
}

/* ---- reading ---- */

static void take(struct sql_stmt *st, struct disposition *d)
{
	*d = (struct disposition){ 0 };
	sql_get_uuid(st, &d->id);
	d->scope = sql_get_text(st);
	d->expired_by_us = sql_get_i64(st);
	hold_act_take(st, &d->proposed);
	hold_act_take(st, &d->decided);
	d->approved = sql_get_i64(st) == 1;
}

int meta_disposition_get(struct meta *m, const struct uuid *id, struct disposition *d_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_DISPOSITION_GET);
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found > 0)
		take(st, d_r);
	return found;
}

int meta_disposition_list(struct meta *m, const struct uuid *after, size_t max, struct dispositions *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*list_r = (struct dispositions){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_DISPOSITION_LIST);
	sql_bind_uuid(st, after);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		list_r->items = mem_realloc(list_r->items, list_r->n + 1, sizeof(*list_r->items));
		take(st, &list_r->items[list_r->n++]);
	}
	if (step != SQL_FAILED)
		return 0;
	dispositions_deinit(list_r);
	return -1;
}

int meta_disposition_version(struct meta *m, uint64_t *version_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) ? -1 : sql_number(sql_use(c, STMT_DISPOSITION_VERSION), version_r, e);
}

/* ---- what has expired ---- */

/* Those that were stamped so, of the next rows. Nothing that was archived after expired_by_us is looked at: it is kept
 * from then on. */
static int list_stamped(struct meta *m, const struct uuid *after, int64_t expired_by_us, struct expired_messages *list,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	const struct uuid end = uuid_floor(expired_by_us);
	enum sql_result step;
	size_t looked = 0;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_EXPIRED_WALK);
	sql_bind_uuid(st, after);
	sql_bind_uuid(st, &end);
	sql_bind_u64(st, EXPIRED_AT_ONCE);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		struct expired_message *message = &list->items[list->n];

		sql_get_uuid(st, &message->id);
		message->retain_until_us = sql_get_i64(st);
		list->looked = message->id;
		list->n += message->retain_until_us <= expired_by_us;
		looked++;
	}
	list->end = looked < EXPIRED_AT_ONCE;
	return step == SQL_FAILED ? -1 : 0;
}

/* holds: in the order of nothing; few messages are held and expired. */
static bool is_held(const struct message_holds *holds, const struct uuid *id)
{
	for (size_t i = 0; i < holds->n; i++)
		if (memcmp(&holds->items[i].message, id, UUID_SIZE) == 0)
			return true;
	return false;
}

/* Those of them that neither an extension nor a hold keeps, and that are not disposed of already. */
static int drop_kept(struct meta *m, int64_t expired_by_us, struct expired_messages *list, struct err *e)
{
	_free_ struct uuid *ids = MEM_ARRAY(struct uuid, EXPIRED_AT_ONCE);
	_free_ int64_t *extended_us = MEM_ARRAY(int64_t, EXPIRED_AT_ONCE);
	_free_ struct disposed *disposed = MEM_ARRAY(struct disposed, EXPIRED_AT_ONCE);
	struct message_holds holds;
	size_t n = list->n;

	for (size_t i = 0; i < n; i++)
		ids[i] = list->items[i].id;
	if (meta_retention_extended(m, ids, n, extended_us, e) || meta_disposed_of(m, ids, n, disposed, e) ||
		meta_message_holds(m, ids, n, &holds, e))
		return -1;
	list->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct expired_message message = list->items[i];

		if (extended_us[i] > message.retain_until_us)
			message.retain_until_us = extended_us[i];
		if (message.retain_until_us <= expired_by_us && !disposed[i].at_us && !is_held(&holds, &message.id))
			list->items[list->n++] = message;
	}
	free(holds.items);
	return 0;
}

int meta_expired_walk(struct meta *m, const struct uuid *after, int64_t expired_by_us, struct expired_messages *list_r,
	struct err *e)
{
	list_r->n = 0;
	list_r->looked = *after;
	return list_stamped(m, after, expired_by_us, list_r, e);
}

int meta_expired_list(struct meta *m, const struct uuid *after, int64_t expired_by_us, struct expired_messages *list_r,
	struct err *e)
{
	if (meta_expired_walk(m, after, expired_by_us, list_r, e))
		return -1;
	return list_r->n ? drop_kept(m, expired_by_us, list_r, e) : 0;
}
