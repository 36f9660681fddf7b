#include "meta/export.h"

#include "meta/meta_private.h"

#include <string.h>

const char *export_state_name(enum export_state s)
{
	static const char *const names[EXPORT_STATES] = { "queued", "building", "ready", "failed", "cancelled", "expired" };

	return names[s];
}

void export_job_deinit(struct export_job *j)
{
	free(j->request.format);
	free(j->request.container);
	free(j->request.reason);
	free(j->request.matter);
	free(j->request.request);
	free(j->request.scope);
	free(j->request.client);
	free(j->request.request_id);
	free(j->detail);
	free(j->built_scope);
	locator_deinit(&j->result.where);
	*j = (struct export_job){ 0 };
}

/* ---- reading ---- */

/* NULL where SQL has it. */
static char *take_text(struct sql_stmt *st)
{
	bool is_null = sql_get_null(st);
	char *text = sql_get_text(st);

	if (is_null) {
		free(text);
		return NULL;
	}
	return text;
}

static void take_request(struct sql_stmt *st, struct export_request *r)
{
	sql_get_uuid(st, &r->id);
	r->account_id = sql_get_u64(st);
	r->requested_us = sql_get_i64(st);
	r->format = sql_get_text(st);
	r->container = sql_get_text(st);
	r->reason = sql_get_text(st);
	r->matter = take_text(st);
	r->request = sql_get_text(st);
	r->scope = sql_get_text(st);
	r->client = sql_get_text(st);
	r->request_id = sql_get_text(st);
}

/* One that is not known, of a later version, is over for this one: nobody takes it up. */
static enum export_state take_state(struct sql_stmt *st)
{
	_free_ char *name = sql_get_text(st);

	for (int s = 0; s < EXPORT_STATES; s++)
		if (strcmp(name, export_state_name((enum export_state)s)) == 0)
			return (enum export_state)s;
	return EXPORT_FAILED;
}

static void take_progress(struct sql_stmt *st, struct export_progress *p)
{
	p->total_known = !sql_get_null(st);
	p->total = sql_get_u64(st);
	p->done = sql_get_u64(st);
	p->missing = sql_get_u64(st);
	p->size = sql_get_u64(st);
}

/* In the order of EXPORT_COLUMNS. */
static void take_job(struct sql_stmt *st, struct export_job *j)
{
	take_request(st, &j->request);
	j->state = take_state(st);
	j->epoch = sql_get_u64(st);
	take_progress(st, &j->progress);
	j->detail = sql_get_text(st);
	j->built_scope = sql_get_text(st);
	j->result.where.bucket = sql_get_text(st);
	j->result.where.key = sql_get_text(st);
	j->result.where.version = sql_get_text(st);
	j->result.where.length = sql_get_u64(st);
	sql_get_fixed(st, j->result.sha256, SHA256_SIZE);
	j->result.finished_us = sql_get_i64(st);
	j->result.expires_us = sql_get_i64(st);
}

/* The row of a statement that gives one or none: 1, 0, -1. */
static int find_job(struct sql_stmt *st, struct export_job *j_r, struct err *e)
{
	int found = sql_find(st, e);

	if (found > 0) {
		*j_r = (struct export_job){ 0 };
		take_job(st, j_r);
	}
	sql_finishp(&st);
	return found;
}

int meta_export_get(struct meta *m, uint64_t account_id, const struct uuid *id, struct export_job *j_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_GET);

	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return find_job(st, j_r, e);
}

/* The rows of a list, whose statement takes max as its last value. */
static int take_jobs(struct sql_stmt *st, struct export_job *jobs_r, size_t max, size_t *n_r, struct err *e)
{
	enum sql_result step = SQL_DONE;
	size_t n = 0;

	sql_bind_u64(st, max);
	while (n < max && (step = sql_step(st, e)) == SQL_ROW) {
		jobs_r[n] = (struct export_job){ 0 };
		take_job(st, &jobs_r[n++]);
	}
	while (step == SQL_FAILED && n > 0)
		export_job_deinit(&jobs_r[--n]);
	*n_r = n;
	return step == SQL_FAILED ? -1 : 0;
}

int meta_export_list(struct meta *m, uint64_t account_id, const struct uuid *before, struct export_job *jobs_r, size_t max,
	size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_EXPORT_LIST);
	sql_bind_u64(st, account_id);
	sql_bind_uuid(st, before);
	return take_jobs(st, jobs_r, max, n_r, e);
}

int meta_export_list_of_case(struct meta *m, const char *matter, const struct uuid *after, struct export_job *jobs_r, size_t max,
	size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_CASE_EXPORTS);
	sql_bind_text(st, matter);
	sql_bind_uuid(st, after);
	return take_jobs(st, jobs_r, max, n_r, e);
}

/* ---- asking ---- */

static int add_request(struct sql_conn *c, const struct export_request *r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_REQUEST_ADD);

	sql_bind_uuid(st, &r->id);
	sql_bind_u64(st, r->account_id);
	sql_bind_i64(st, r->requested_us);
	sql_bind_text(st, r->format);
	sql_bind_text(st, r->container);
	sql_bind_text(st, r->reason);
	sql_bind_text(st, r->matter);
	sql_bind_text(st, r->request);
	sql_bind_text(st, r->scope);
	sql_bind_text(st, r->client);
	sql_bind_text(st, r->request_id);
	enum sql_result added = sql_run(st, e);

	if (added != SQL_DONE)
		return added == SQL_FAILED ? -1 : err_permanent(e, "export_add failed: there is one of this id");
	st = sql_use(c, STMT_EXPORT_JOB_ADD);
	sql_bind_uuid(st, &r->id);
	sql_bind_u64(st, r->account_id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

/* How many of an account's jobs are open. Nobody else adds one of that account until the transaction ends: whoever does holds
 * its row. */
static int count_open(struct sql_conn *c, uint64_t account_id, uint64_t *n_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_LOCK);

	sql_bind_u64(st, account_id);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	st = sql_use(c, STMT_EXPORT_OPEN_COUNT);
	sql_bind_u64(st, account_id);
	return sql_number(st, n_r, e);
}

int meta_export_add(struct meta *m, const struct export_request *r, uint64_t open_max, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t open;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e) || count_open(c, r->account_id, &open, e))
		return -1;
	if (open >= open_max)
		return 0;
	return add_request(c, r, e) || sql_commit(c, e) ? -1 : 1;
}

/* Runs a statement that changes one row or none, in a transaction of its own. 1, 0, -1. */
static int commit_one(struct sql_conn *c, struct sql_stmt *st, struct err *e)
{
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	int changed = sql_changed(c) != 0;

	return sql_commit(c, e) ? -1 : changed;
}

int meta_export_cancel(struct meta *m, uint64_t account_id, const struct uuid *id, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_CANCEL);

	sql_bind_i64(st, now_us);
	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return commit_one(c, st, e);
}

/* ---- building ---- */

static int take(struct sql_conn *c, const struct export_job *j, const char *owner, int64_t now_us, int64_t lease_until_us,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_TAKE);

	sql_bind_text(st, owner);
	sql_bind_i64(st, lease_until_us);
	sql_bind_uuid(st, &j->request.id);
	sql_bind_u64(st, j->epoch);
	sql_bind_i64(st, now_us);
	return commit_one(c, st, e);
}

/* A job that somebody else takes up in between is left to him. */
int meta_export_take(struct meta *m, const char *owner, int64_t now_us, int64_t lease_until_us, struct export_job *j_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(export_job_deinit) struct export_job j = { 0 };

	if (sql_writer(m->control, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_NEXT);

	sql_bind_i64(st, now_us);
	int found = find_job(st, &j, e);

	if (found <= 0)
		return found;
	if (sql_begin(c, SQL_DURABLE, e))
		return -1;
	int taken = take(c, &j, owner, now_us, lease_until_us, e);

	if (taken <= 0)
		return taken;
	j.epoch++;
	j.state = EXPORT_BUILDING;
	*j_r = j;
	j = (struct export_job){ 0 };
	return 1;
}

int meta_export_release(struct meta *m, const char *owner, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_RELEASE);

	sql_bind_text(st, owner);
	return commit_one(c, st, e) < 0 ? -1 : 0;
}

static void bind_progress(struct sql_stmt *st, const struct export_progress *p)
{
	if (p->total_known)
		sql_bind_u64(st, p->total);
	else
		sql_bind_null(st);
	sql_bind_u64(st, p->done);
	sql_bind_u64(st, p->missing);
	sql_bind_u64(st, p->size);
}

/* The end of a statement that only the job's last epoch may run: "… WHERE id = ? AND epoch = ? …". */
static int commit_own(struct sql_conn *c, struct sql_stmt *st, const struct export_job *j, struct err *e)
{
	sql_bind_uuid(st, &j->request.id);
	sql_bind_u64(st, j->epoch);
	return commit_one(c, st, e);
}

int meta_export_progress(struct meta *m, const struct export_job *j, const struct export_progress *p, int64_t lease_until_us,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_PROGRESS);

	bind_progress(st, p);
	sql_bind_i64(st, lease_until_us);
	return commit_own(c, st, j, e);
}

int meta_export_scope(struct meta *m, const struct export_job *j, const char *built_scope, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_SCOPE);

	sql_bind_text(st, built_scope);
	return commit_own(c, st, j, e);
}

int meta_export_put_off(struct meta *m, const struct export_job *j, const char *why, int64_t until_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_PUT_OFF);

	sql_bind_text(st, why);
	sql_bind_i64(st, until_us);
	return commit_own(c, st, j, e);
}

static void bind_result(struct sql_stmt *st, const struct export_result *r)
{
	sql_bind_text(st, r->where.bucket);
	sql_bind_text(st, r->where.key);
	sql_bind_text(st, r->where.version);
	sql_bind_u64(st, r->where.length);
	sql_bind_blob(st, r->sha256, SHA256_SIZE);
	sql_bind_i64(st, r->finished_us);
	sql_bind_i64(st, r->expires_us);
}

static void bind_no_result(struct sql_stmt *st, int64_t now_us)
{
	for (int i = 0; i < 5; i++)
		sql_bind_null(st);
	sql_bind_i64(st, now_us);
	sql_bind_null(st);
}

int meta_export_finish(struct meta *m, const struct export_job *j, const struct export_progress *p,
	const struct export_result *result, const char *why, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_FINISH);

	sql_bind_text(st, export_state_name(result ? EXPORT_READY : EXPORT_FAILED));
	sql_bind_text(st, why);
	bind_progress(st, p);
	if (result)
		bind_result(st, result);
	else
		bind_no_result(st, now_us);
	return commit_own(c, st, j, e);
}

/* ---- clearing away ---- */

int meta_export_is_open(struct meta *m, const struct uuid *id, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t n;

	if (sql_reader(m->control, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_IS_OPEN);

	sql_bind_uuid(st, id);
	if (sql_number(st, &n, e))
		return -1;
	return n != 0;
}

int meta_export_stale(struct meta *m, int64_t now_us, struct export_job *j_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_STALE);

	sql_bind_i64(st, now_us);
	sql_bind_i64(st, now_us);
	return find_job(st, j_r, e);
}

int meta_export_cleared(struct meta *m, const struct export_job *j, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	return commit_own(c, sql_use(c, STMT_EXPORT_CLEARED), j, e);
}

int meta_export_clear_later(struct meta *m, const struct export_job *j, int64_t until_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_EXPORT_CLEAR_LATER);

	sql_bind_i64(st, until_us);
	return commit_own(c, st, j, e);
}
