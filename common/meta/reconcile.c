#include "meta/reconcile.h"

#include "meta/meta_private.h"

/* ---- rows ---- */

void reconcile_row_deinit(struct reconcile_row *row)
{
	locator_deinit(&row->locator);
	free(row->lock_mode);
	free(row->policy_version);
	*row = (struct reconcile_row){ 0 };
}

void reconcile_rows_deinit(struct reconcile_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		reconcile_row_deinit(&rows->items[i]);
	free(rows->items);
	*rows = (struct reconcile_rows){ 0 };
}

void reconcile_orphan_deinit(struct reconcile_orphan *o)
{
	locator_deinit(&o->where);
}

void reconcile_alarm_deinit(struct reconcile_alarm *a)
{
	free(a->detail);
	a->detail = NULL;
}

static void take_row(struct sql_stmt *st, struct reconcile_row *r)
{
	sql_get_uuid(st, &r->id);
	r->received_us = sql_get_i64(st);
	r->locator.bucket = sql_get_text(st);
	r->locator.key = sql_get_text(st);
	r->locator.version = sql_get_text(st);
	r->locator.offset = sql_get_u64(st);
	r->locator.length = sql_get_u64(st);
	r->lock_mode = sql_get_text(st);
	r->retain_until_us = sql_get_i64(st);
	r->policy_version = sql_get_text(st);
	r->disposed_us = sql_get_i64(st);
	r->removed_us = sql_get_i64(st);
}

/* All rows of the statement, in room for max. */
static int take_rows(struct sql_stmt *st, size_t max, struct reconcile_rows *rows, struct err *e)
{
	size_t room = 0;
	enum sql_result step;

	while ((step = sql_step(st, e)) == SQL_ROW && rows->n < max) {
		if (rows->n == room) {
			room = room ? 2 * room : 64;
			rows->items = mem_realloc(rows->items, room, sizeof(*rows->items));
		}
		take_row(st, &rows->items[rows->n++]);
	}
	return step == SQL_FAILED ? -1 : 0;
}

int meta_reconcile_rows(struct meta *m, const struct uuid *from, const struct uuid *until, size_t max,
	struct reconcile_rows *rows_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	*rows_r = (struct reconcile_rows){ 0 };
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_RECONCILE_ROWS);
	sql_bind_uuid(st, from);
	sql_bind_uuid(st, until);
	sql_bind_u64(st, max);
	if (take_rows(st, max, rows_r, e) == 0)
		return 0;
	reconcile_rows_deinit(rows_r);
	return -1;
}

int meta_reconcile_row(struct meta *m, const struct uuid *id, struct reconcile_row *row_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_RECONCILE_ROW);
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found > 0)
		take_row(st, row_r);
	return found;
}

/* ---- numbers ---- */

int meta_reconcile_captured(struct meta *m, const struct uuid *from, const struct uuid *until, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_RECONCILE_CAPTURED);

	sql_bind_uuid(st, from);
	sql_bind_uuid(st, until);
	return sql_number(st, n_r, e);
}

int meta_reconcile_waits(struct meta *m, const struct uuid *id, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t n;

	if (sql_reader(m->capture, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_OUTBOX_HAS);

	sql_bind_uuid(st, id);
	return sql_number(st, &n, e) ? -1 : n > 0;
}

/* ---- walks ---- */

int meta_reconcile_walk(struct meta *m, const char *name, struct reconcile_walk *w_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_WALK_GET);
	sql_bind_text(st, name);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	w_r->name = name;
	w_r->at_us = sql_get_i64(st);
	w_r->began_us = sql_get_i64(st);
	w_r->finished_us = sql_get_i64(st);
	struct reconcile_tally *t = &w_r->day;

	t->captured = sql_get_u64(st);
	t->recorded = sql_get_u64(st);
	t->stored = sql_get_u64(st);
	t->indexed = sql_get_u64(st);
	t->waiting = sql_get_u64(st);
	t->orphans = sql_get_u64(st);
	t->missing = sql_get_u64(st);
	t->removed = sql_get_u64(st);
	t->unindexed = sql_get_u64(st);
	t->first_us = sql_get_i64(st);
	t->last_us = sql_get_i64(st);
	return 1;
}

static enum sql_result run_walk(struct sql_conn *c, enum statement s, const struct reconcile_walk *w, struct err *e)
{
	const struct reconcile_tally *t = &w->day;
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_i64(st, w->at_us);
	sql_bind_i64(st, w->began_us);
	sql_bind_i64(st, w->finished_us);
	sql_bind_u64(st, t->captured);
	sql_bind_u64(st, t->recorded);
	sql_bind_u64(st, t->stored);
	sql_bind_u64(st, t->indexed);
	sql_bind_u64(st, t->waiting);
	sql_bind_u64(st, t->orphans);
	sql_bind_u64(st, t->missing);
	sql_bind_u64(st, t->removed);
	sql_bind_u64(st, t->unindexed);
	sql_bind_i64(st, t->first_us);
	sql_bind_i64(st, t->last_us);
	sql_bind_text(st, w->name);
	return sql_run(st, e);
}

static int keep_walk(struct sql_conn *c, const struct reconcile_walk *w, struct err *e)
{
	enum sql_result rc = run_walk(c, STMT_WALK_ADD, w, e);

	if (rc == SQL_DUPLICATE)
		rc = run_walk(c, STMT_WALK_SET, w, e);
	return rc == SQL_FAILED ? -1 : 0;
}

/* ---- findings ---- */

static int keep_orphan(struct sql_conn *c, const struct reconcile_orphan *o, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ORPHAN_ADD);

	sql_bind_uuid(st, &o->id);
	sql_bind_text(st, o->where.version);
	sql_bind_text(st, o->where.bucket);
	sql_bind_text(st, o->where.key);
	sql_bind_u64(st, o->where.length);
	sql_bind_blob(st, o->sha256, SHA256_SIZE);
	sql_bind_i64(st, o->stored_us);
	sql_bind_i64(st, o->found_us);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static enum sql_result run_alarm(struct sql_conn *c, enum statement s, const struct reconcile_alarm *a, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_i64(st, a->found_us);
	sql_bind_i64(st, a->found_us);
	sql_bind_text(st, a->detail);
	sql_bind_uuid(st, &a->id);
	sql_bind_i64(st, (int64_t)a->kind);
	return sql_run(st, e);
}

int reconcile_keep_alarm(struct sql_conn *c, const struct reconcile_alarm *a, struct err *e)
{
	enum sql_result rc = run_alarm(c, STMT_ALARM_ADD, a, e);

	if (rc == SQL_DUPLICATE)
		rc = run_alarm(c, STMT_ALARM_AGAIN, a, e);
	return rc == SQL_FAILED ? -1 : 0;
}

static int keep_index_account(struct sql_conn *c, int64_t day_us, const struct reconcile_tally *t, int64_t until_us,
	int64_t now_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_DAY_INDEX);

	sql_bind_u64(st, t->indexed);
	sql_bind_u64(st, t->waiting);
	sql_bind_u64(st, t->unindexed);
	sql_bind_i64(st, until_us);
	sql_bind_i64(st, now_us);
	sql_bind_i64(st, day_us);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

static int keep_account(struct sql_conn *c, const struct reconcile_result *r, int64_t now_us, struct err *e)
{
	const struct reconcile_tally *t = r->account;
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_DAY_ADD);

	sql_bind_i64(st, r->account_day_us);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	if (r->part == RECONCILE_INDEX)
		return keep_index_account(c, r->account_day_us, t, r->account_until_us, now_us, e);
	st = sql_use(c, STMT_ACCOUNT_DAY_STORE);
	sql_bind_u64(st, t->captured); /* the most that the ledger ever had: what vanishes there is seen here */
	sql_bind_u64(st, t->captured);
	sql_bind_u64(st, t->recorded);
	sql_bind_u64(st, t->stored);
	sql_bind_u64(st, t->orphans);
	sql_bind_u64(st, t->missing);
	sql_bind_u64(st, t->removed);
	sql_bind_i64(st, t->first_us);
	sql_bind_i64(st, t->last_us);
	sql_bind_i64(st, r->account_until_us);
	sql_bind_i64(st, now_us);
	sql_bind_i64(st, r->account_day_us);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

int meta_reconcile_keep(struct meta *m, const struct reconcile_result *r, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	for (size_t i = 0; i < r->orphan_count; i++)
		if (keep_orphan(c, &r->orphans[i], e))
			return -1;
	for (size_t i = 0; i < r->alarm_count; i++)
		if (reconcile_keep_alarm(c, &r->alarms[i], e))
			return -1;
	if ((r->account && keep_account(c, r, now_us, e)) || keep_walk(c, r->walk, e))
		return -1;
	return sql_commit(c, e);
}

int meta_reconcile_adopt(struct meta *m, int64_t now_us, uint64_t *adopted_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t open;

	*adopted_r = 0;
	if (sql_reader(m->capture, &c, e) || sql_number(sql_use(c, STMT_ORPHAN_COUNT), &open, e))
		return -1;
	sql_releasep(&c);
	if (!open) /* nearly always: and nobody need wait for the writer */
		return 0;
	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ORPHAN_ADOPT);

	sql_bind_i64(st, now_us);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	*adopted_r = sql_changed(c);
	return sql_commit(c, e);
}

int meta_reconcile_is_orphan(struct meta *m, const struct uuid *id, const char *version, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t n;

	if (sql_reader(m->capture, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ORPHAN_HAS);

	sql_bind_uuid(st, id);
	sql_bind_text(st, version);
	return sql_number(st, &n, e) ? -1 : n > 0;
}

int meta_reconcile_alarms(struct meta *m, struct reconcile_alarm *alarms_r, size_t max, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*n_r = 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_ALARM_LIST);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max) {
		struct reconcile_alarm *a = &alarms_r[(*n_r)++];

		sql_get_uuid(st, &a->id);
		a->kind = (enum reconcile_alarm_kind)sql_get_i64(st);
		a->found_us = sql_get_i64(st);
		a->detail = sql_get_text(st);
	}
	if (step != SQL_FAILED)
		return 0;
	while (*n_r)
		reconcile_alarm_deinit(&alarms_r[--*n_r]);
	return -1;
}

int reconcile_see_alarm(struct sql_conn *c, const struct uuid *id, enum reconcile_alarm_kind kind, bool cleared, int64_t now_us,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ALARM_SEEN);

	sql_bind_i64(st, now_us);
	sql_bind_i64(st, cleared ? now_us : 0);
	sql_bind_uuid(st, id);
	sql_bind_i64(st, (int64_t)kind);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

int meta_reconcile_alarm_seen(struct meta *m, const struct reconcile_alarm *a, bool cleared, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	return reconcile_see_alarm(c, &a->id, a->kind, cleared, now_us, e) ? -1 : sql_commit(c, e);
}

/* ---- status ---- */

static void take_account(struct sql_stmt *st, struct reconcile_account *a)
{
	struct reconcile_tally *t = &a->tally;

	a->day_us = sql_get_i64(st);
	t->captured = sql_get_u64(st);
	t->recorded = sql_get_u64(st);
	t->stored = sql_get_u64(st);
	t->orphans = sql_get_u64(st);
	t->missing = sql_get_u64(st);
	t->first_us = sql_get_i64(st);
	t->last_us = sql_get_i64(st);
	a->stored_until_us = sql_get_i64(st);
	t->indexed = sql_get_u64(st);
	t->waiting = sql_get_u64(st);
	a->indexed_until_us = sql_get_i64(st);
	a->counted_us = sql_get_i64(st);
	t->removed = sql_get_u64(st);
	t->unindexed = sql_get_u64(st);
}

int meta_reconcile_accounts(struct meta *m, struct reconcile_account *accounts_r, size_t max, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*n_r = 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_ACCOUNT_DAY_LIST);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max)
		take_account(st, &accounts_r[(*n_r)++]);
	return step == SQL_FAILED ? -1 : 0;
}

int meta_reconcile_unequal(struct meta *m, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : sql_number(sql_use(c, STMT_ACCOUNT_DAY_UNEQUAL), n_r, e);
}

static int count_alarms(struct sql_conn *c, uint64_t alarms_r[RECONCILE_KINDS], struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_ALARM_COUNT);
	enum sql_result step;

	while ((step = sql_step(st, e)) == SQL_ROW) {
		int64_t kind = sql_get_i64(st);

		if (kind > 0 && kind < RECONCILE_KINDS)
			alarms_r[kind] = sql_get_u64(st);
	}
	return step == SQL_FAILED ? -1 : 0;
}

int meta_reconcile_counts(struct meta *m, uint64_t alarms_r[RECONCILE_KINDS], uint64_t *orphans_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	for (int i = 0; i < RECONCILE_KINDS; i++)
		alarms_r[i] = 0;
	if (sql_reader(m->capture, &c, e) || count_alarms(c, alarms_r, e))
		return -1;
	return sql_number(sql_use(c, STMT_ORPHAN_COUNT), orphans_r, e);
}

/* ---- settling ---- */

#define SETTLE_DAYS 31

static int still_waiting(struct sql_conn *c, const struct reconcile_account *a, uint64_t *n_r, struct err *e)
{
	const struct uuid from = uuid_floor(a->day_us), until = uuid_floor(a->indexed_until_us);
	struct sql_stmt *st = sql_use(c, STMT_OUTBOX_COUNT_IDS);

	sql_bind_uuid(st, &from);
	sql_bind_uuid(st, &until);
	return sql_number(st, n_r, e);
}

static int settle(struct sql_conn *c, struct reconcile_account *a, int64_t now_us, struct err *e)
{
	struct reconcile_tally *t = &a->tally;
	uint64_t waiting;

	if (still_waiting(c, a, &waiting, e))
		return -1;
	if (waiting >= t->waiting)
		return 0;
	t->indexed += t->waiting - waiting;
	t->waiting = waiting;
	return keep_index_account(c, a->day_us, t, a->indexed_until_us, now_us, e);
}

int meta_reconcile_settle(struct meta *m, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct reconcile_account accounts[SETTLE_DAYS];
	size_t n, waiting = 0;

	if (meta_reconcile_accounts(m, accounts, SETTLE_DAYS, &n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		waiting += accounts[i].tally.waiting > 0;
	if (!waiting)
		return 0;
	if (sql_writer(m->capture, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (accounts[i].tally.waiting && settle(c, &accounts[i], now_us, e))
			return -1;
	return sql_commit(c, e);
}
