#include "meta/audit_forward.h"

#include "base/clock.h"
#include "meta/meta_private.h"

int meta_audit_daemons(struct meta *m, struct strv *names, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_AUDIT_DAEMONS);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		_free_ char *name = sql_get_text(st);

		strv_add(names, name);
	}
	return step == SQL_FAILED ? -1 : 0;
}

static int forwarded(struct sql_conn *c, const char *target, const char *daemon, uint64_t *seq_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_AUDIT_FORWARD_GET);

	sql_bind_text(st, target);
	sql_bind_text(st, daemon);
	return sql_number(st, seq_r, e);
}

int meta_audit_forwarded(struct meta *m, const char *target, const char *daemon, uint64_t *seq_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) ? -1 : forwarded(c, target, daemon, seq_r, e);
}

void audit_sealed_free(struct audit_sealed *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].record);
	free(list);
}

int meta_audit_sealed(struct meta *m, const char *daemon, uint64_t after, size_t max, struct audit_sealed **list_r, size_t *n_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	struct audit_sealed *list = MEM_ARRAY(struct audit_sealed, max);
	enum sql_result step = SQL_FAILED;
	size_t n = 0;

	if (sql_reader(m->control, &c, e) == 0) {
		st = sql_use(c, STMT_AUDIT_SEALED);
		sql_bind_text(st, daemon);
		sql_bind_u64(st, after);
		sql_bind_u64(st, max);
		while (n < max && (step = sql_step(st, e)) == SQL_ROW) {
			struct audit_sealed *s = &list[n++];

			s->seq = sql_get_u64(st);
			sql_get_fixed(st, s->leaf, SHA256_SIZE);
			const void *record = sql_get_bytes(st, &s->length);

			s->record = mem_dup(record, s->length);
		}
	}
	if (step == SQL_FAILED) {
		audit_sealed_free(list, n);
		return -1;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

static int move_on(struct sql_conn *c, const char *target, const char *daemon, uint64_t was, uint64_t seq, struct err *e)
{
	struct sql_stmt *st = sql_use(c, was ? STMT_AUDIT_FORWARD_SET : STMT_AUDIT_FORWARD_ADD);

	sql_bind_u64(st, seq);
	sql_bind_i64(st, clock_now_us());
	sql_bind_text(st, target);
	sql_bind_text(st, daemon);
	if (was)
		sql_bind_u64(st, was);
	enum sql_result moved = sql_run(st, e);

	if (moved == SQL_DUPLICATE || (moved == SQL_DONE && was && sql_changed(c) != 1))
		return err_temporary(e, "audit_forward(%s, %s) failed: another process sends the audit as well", target, daemon);
	return moved == SQL_DONE ? 0 : -1;
}

int meta_audit_forward(struct meta *m, const char *target, const char *daemon, uint64_t was, uint64_t seq, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e) || move_on(c, target, daemon, was, seq, e))
		return -1;
	return sql_commit(c, e);
}

/* Of one daemon: adds to *n, and takes the older of the two times. */
static int add_waiting(struct sql_conn *c, const char *target, const char *daemon, uint64_t *n, int64_t *oldest_us, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	uint64_t sent, last;
	struct sql_stmt *newest = sql_use(c, STMT_AUDIT_LAST_SEQ);

	sql_bind_text(newest, daemon);
	if (sql_number(newest, &last, e) || forwarded(c, target, daemon, &sent, e))
		return -1;
	if (last <= sent)
		return 0;
	*n += last - sent;
	st = sql_use(c, STMT_AUDIT_COMMITTED);
	sql_bind_text(st, daemon);
	sql_bind_u64(st, sent + 1);
	int found = sql_find(st, e);

	if (found > 0) {
		int64_t us = sql_get_i64(st);

		*oldest_us = *oldest_us && *oldest_us < us ? *oldest_us : us;
	}
	return found < 0 ? -1 : 0;
}

int meta_audit_waiting(struct meta *m, const char *target, uint64_t *n_r, int64_t *oldest_us_r, struct err *e)
{
	CLEANUP(strv_deinit) struct strv daemons = { 0 };
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	*n_r = 0;
	*oldest_us_r = 0;
	if (meta_audit_daemons(m, &daemons, e) || sql_reader(m->control, &c, e))
		return -1;
	for (size_t i = 0; i < daemons.n; i++)
		if (add_waiting(c, target, daemons.items[i], n_r, oldest_us_r, e))
			return -1;
	return 0;
}
