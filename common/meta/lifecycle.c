#include "meta/lifecycle.h"

#include "meta/disposed.h"
#include "meta/meta_private.h"
#include "meta/reconcile.h"

#include <string.h>

struct meta_lifecycle {
	struct sql_conn *c;
	char *daemon;
	uint64_t last_seq;
};

static void end(struct meta_lifecycle **t)
{
	if (!*t)
		return;
	sql_releasep(&(*t)->c);
	free((*t)->daemon);
	free(*t);
	*t = NULL;
}

static int last_seq(struct sql_conn *c, const char *daemon, uint64_t *seq_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_FACT_LAST_SEQ);

	sql_bind_text(st, daemon);
	return sql_number(st, seq_r, e);
}

int meta_lifecycle_begin(struct meta *m, const char *daemon, struct meta_lifecycle **t_r, struct err *e)
{
	struct meta_lifecycle *t = MEM_NEW(struct meta_lifecycle);

	t->daemon = mem_strdup(daemon);
	if (sql_writer(m->capture, &t->c, e) == 0 && sql_begin(t->c, SQL_DURABLE, e) == 0 &&
		last_seq(t->c, daemon, &t->last_seq, e) == 0) {
		*t_r = t;
		return 0;
	}
	end(&t);
	return -1;
}

/* 1 for a new row, 0 for one that is there, -1. */
static int added(enum sql_result r)
{
	return r == SQL_DONE ? 1 : r == SQL_DUPLICATE ? 0 : -1;
}

int meta_lifecycle_extend(struct meta_lifecycle *t, const struct uuid *id, int64_t until_us, int64_t now_us,
	const char *policy_version, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_EXTENSION_ADD);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, until_us);
	sql_bind_i64(st, now_us);
	sql_bind_text(st, policy_version);
	return added(sql_run(st, e));
}

int meta_lifecycle_hold(struct meta_lifecycle *t, const struct message_hold *which, enum hold_event event, int64_t now_us,
	struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_MESSAGE_HOLD_ADD);

	sql_bind_uuid(st, &which->message);
	sql_bind_uuid(st, &which->hold);
	sql_bind_i64(st, (int64_t)event);
	sql_bind_i64(st, now_us);
	return added(sql_run(st, e));
}

int meta_lifecycle_hold_done(struct meta_lifecycle *t, const struct message_hold *which, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_HOLD_WORK_REMOVE);

	sql_bind_uuid(st, &which->message);
	sql_bind_uuid(st, &which->hold);
	return sql_run(st, e) == SQL_FAILED ? -1 : 0;
}

int meta_lifecycle_gate(struct meta_lifecycle *t, uint64_t generation, struct err *e)
{
	uint64_t now;

	return sql_number(sql_use(t->c, STMT_KEEP_GATE_LOCK), &now, e) ? -1 : now == generation;
}

int meta_lifecycle_held(struct meta_lifecycle *t, const struct uuid *id, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_EXPIRED_HELD);
	uint64_t n;

	sql_bind_uuid(st, id);
	sql_bind_uuid(st, id);
	return sql_number(st, &n, e) ? -1 : n > 0;
}

static enum sql_result add_disposed(struct meta_lifecycle *t, const struct uuid *id, const struct disposing *by, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_DISPOSED_ADD);

	sql_bind_uuid(st, &by->disposition);
	sql_bind_i64(st, by->now_us);
	sql_bind_uuid(st, id);
	for (int kept_by = 0; kept_by < 3; kept_by++) /* its row, where it was moved to, extensions */
		sql_bind_i64(st, by->until_us);
	return sql_run(st, e);
}

static int queue_removal(struct meta_lifecycle *t, const struct uuid *id, const struct disposing *by, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_REMOVAL_ADD);

	sql_bind_uuid(st, id);
	sql_bind_uuid(st, &by->disposition);
	sql_bind_i64(st, by->now_us);
	sql_bind_i64(st, 0);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	st = sql_use(t->c, STMT_INDEX_REMOVAL_ADD);
	sql_bind_uuid(st, id);
	sql_bind_i64(st, by->now_us);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	st = sql_use(t->c, STMT_OUTBOX_REMOVE);
	sql_bind_uuid(st, id);
	return sql_add(st, e) == SQL_DONE && sql_flush(t->c, e) == SQL_DONE ? 0 : -1;
}

int meta_lifecycle_dispose(struct meta_lifecycle *t, const struct uuid *id, const struct disposing *by, struct err *e)
{
	enum sql_result r = add_disposed(t, id, by, e);

	if (r == SQL_DUPLICATE || (r == SQL_DONE && sql_changed(t->c) == 0))
		return 0;
	return r != SQL_DONE || queue_removal(t, id, by, e) ? -1 : 1;
}

int meta_lifecycle_removed(struct meta_lifecycle *t, const struct uuid *id, int64_t now_us, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_REMOVED_ADD);

	sql_bind_uuid(st, id);
	sql_bind_i64(st, now_us);
	if (sql_run(st, e) == SQL_FAILED)
		return -1;
	st = sql_use(t->c, STMT_REMOVAL_END);
	sql_bind_uuid(st, id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

int meta_lifecycle_put_off(struct meta_lifecycle *t, const struct uuid *id, int64_t due_us, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_REMOVAL_PUT_OFF);

	sql_bind_i64(st, due_us);
	sql_bind_uuid(st, id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

int meta_lifecycle_refuse(struct meta_lifecycle *t, const struct reconcile_alarm *why, struct err *e)
{
	return reconcile_keep_alarm(t->c, why, e);
}

int meta_lifecycle_refuse_no_longer(struct meta_lifecycle *t, const struct uuid *id, int64_t now_us, struct err *e)
{
	return reconcile_see_alarm(t->c, id, RECONCILE_UNAPPROVED, true, now_us, e) ||
		reconcile_see_alarm(t->c, id, RECONCILE_KEPT, true, now_us, e) ? -1 : 0;
}

int meta_lifecycle_removals(struct meta_lifecycle *t, int64_t now_us, struct removal *list_r, size_t max, size_t *n_r, struct err *e)
{
	return disposed_list_removals(t->c, now_us, list_r, max, n_r, e);
}

int meta_lifecycle_disposal_is(struct meta_lifecycle *t, const struct disposal *d, struct err *e)
{
	struct disposal known;
	int found = disposed_get_disposal(t->c, &d->disposition, &known, e);

	return found <= 0 ? found : memcmp(&known, d, sizeof(known)) == 0;
}

static enum sql_result run_disposal(struct sql_conn *c, enum statement s, const struct disposal *d, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_uuid(st, &d->at);
	sql_bind_u64(st, d->looked);
	sql_bind_u64(st, d->disposed);
	sql_bind_u64(st, d->held);
	sql_bind_u64(st, d->kept);
	sql_bind_i64(st, d->began_us);
	sql_bind_i64(st, d->walked_us);
	sql_bind_i64(st, d->finished_us);
	sql_bind_uuid(st, &d->disposition);
	return sql_run(st, e);
}

int meta_lifecycle_disposal_begin(struct meta_lifecycle *t, struct disposal *d, struct err *e)
{
	struct disposal mine = *d;
	int begun = added(run_disposal(t->c, STMT_DISPOSAL_ADD, &mine, e));

	return begun ? begun : disposed_get_disposal(t->c, &mine.disposition, d, e) < 0 ? -1 : 0;
}

int meta_lifecycle_disposal(struct meta_lifecycle *t, const struct disposal *d, struct err *e)
{
	return run_disposal(t->c, STMT_DISPOSAL_SET, d, e) == SQL_FAILED ? -1 : 0;
}

int meta_lifecycle_disposal_finish(struct meta_lifecycle *t, const struct uuid *disposition, int64_t now_us, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_DISPOSAL_FINISH);

	sql_bind_i64(st, now_us);
	sql_bind_uuid(st, disposition);
	return sql_run(st, e) == SQL_FAILED ? -1 : sql_changed(t->c) > 0;
}

uint64_t meta_lifecycle_seq(const struct meta_lifecycle *t)
{
	return t->last_seq + 1;
}

int meta_lifecycle_fact(struct meta_lifecycle *t, const struct uuid *id, const uint8_t nonce[LEDGER_NONCE_SIZE],
	const uint8_t leaf[SHA256_SIZE], const void *record, size_t n, struct err *e)
{
	struct sql_stmt *st = sql_use(t->c, STMT_FACT_ADD);

	sql_bind_text(st, t->daemon);
	sql_bind_u64(st, t->last_seq + 1);
	sql_bind_uuid(st, id);
	sql_bind_blob(st, nonce, LEDGER_NONCE_SIZE);
	sql_bind_blob(st, leaf, SHA256_SIZE);
	sql_bind_blob(st, record, n);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		t->last_seq++;
		return 0;
	case SQL_DUPLICATE:
		return err_temporary(e, "fact(%s) failed: another process is using this daemon's name", t->daemon);
	default:
		return -1;
	}
}

int meta_lifecycle_commit(struct meta_lifecycle **t, struct err *e)
{
	int failed = sql_commit((*t)->c, e);

	end(t);
	return failed;
}

void meta_lifecycle_rollback(struct meta_lifecycle **t)
{
	end(t);
}

/* ---- walks ---- */

int meta_upkeep_walk(struct meta *m, const char *name, struct upkeep_walk *w_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_UPKEEP_GET);
	sql_bind_text(st, name);
	int found = sql_find(st, e);

	if (found <= 0)
		return found;
	w_r->name = name;
	w_r->since = sql_get_u64(st);
	w_r->about = sql_get_u64(st);
	w_r->mailbox = sql_get_text(st);
	w_r->date_us = sql_get_i64(st);
	sql_get_uuid(st, &w_r->message_id);
	w_r->looked = sql_get_u64(st);
	w_r->changed = sql_get_u64(st);
	w_r->began_us = sql_get_i64(st);
	w_r->finished_us = sql_get_i64(st);
	return 1;
}

static enum sql_result run_walk(struct sql_conn *c, enum statement s, const struct upkeep_walk *w, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_u64(st, w->since);
	sql_bind_u64(st, w->about);
	sql_bind_text(st, w->mailbox ? w->mailbox : "");
	sql_bind_i64(st, w->date_us);
	sql_bind_uuid(st, &w->message_id);
	sql_bind_u64(st, w->looked);
	sql_bind_u64(st, w->changed);
	sql_bind_i64(st, w->began_us);
	sql_bind_i64(st, w->finished_us);
	sql_bind_text(st, w->name);
	return sql_run(st, e);
}

int meta_lifecycle_walk(struct meta_lifecycle *t, const struct upkeep_walk *w, struct err *e)
{
	enum sql_result rc = run_walk(t->c, STMT_UPKEEP_ADD, w, e);

	if (rc == SQL_DUPLICATE)
		rc = run_walk(t->c, STMT_UPKEEP_SET, w, e);
	return rc == SQL_FAILED ? -1 : 0;
}

int meta_mailbox_walk(struct meta *m, const struct upkeep_walk *at, struct uuid *ids_r, int64_t *dates_r, size_t max,
	size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*n_r = 0;
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_MAILBOX_WALK);
	sql_bind_text(st, at->mailbox);
	sql_bind_i64(st, at->date_us);
	sql_bind_i64(st, at->date_us);
	sql_bind_uuid(st, &at->message_id);
	sql_bind_u64(st, max);
	while ((step = sql_step(st, e)) == SQL_ROW && *n_r < max) {
		dates_r[*n_r] = sql_get_i64(st);
		sql_get_uuid(st, &ids_r[(*n_r)++]);
	}
	return step == SQL_FAILED ? -1 : 0;
}

/* ---- whose messages were gone through for policies ---- */

void reached_list_deinit(struct reached_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].mailbox);
	free(list->items);
	*list = (struct reached_list){ 0 };
}

static void take_reached(struct sql_stmt *st, struct reached_list *list)
{
	if ((list->n & (list->n - 1)) == 0)
		list->items = mem_realloc(list->items, list->n ? 2 * list->n : 1, sizeof(*list->items));
	struct reached *r = &list->items[list->n++];

	r->mailbox = sql_get_text(st);
	r->days = sql_get_u64(st);
}

int meta_reached_list(struct meta *m, struct reached_list *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	*list_r = (struct reached_list){ 0 };
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_REACHED_LIST);
	while ((step = sql_step(st, e)) == SQL_ROW)
		take_reached(st, list_r);
	if (step != SQL_FAILED)
		return 0;
	reached_list_deinit(list_r);
	return -1;
}

static enum sql_result run_reached(struct sql_conn *c, enum statement s, const struct reached *mailbox, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_u64(st, mailbox->days);
	sql_bind_text(st, mailbox->mailbox);
	return sql_run(st, e);
}

int meta_lifecycle_reached(struct meta_lifecycle *t, const struct reached *mailbox, struct err *e)
{
	enum sql_result rc = run_reached(t->c, STMT_REACHED_ADD, mailbox, e);

	if (rc == SQL_DUPLICATE)
		rc = run_reached(t->c, STMT_REACHED_SET, mailbox, e);
	return rc == SQL_FAILED ? -1 : 0;
}
