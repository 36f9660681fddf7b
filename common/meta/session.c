#include "meta/session.h"

#include "meta/account_private.h"

#define SESSION_PARTS 4 /* of STMT_SESSION_GET: each wants the id */

void session_deinit(struct session *s)
{
	free(s->strength);
	free(s->client);
	free(s->agent);
	*s = (struct session){ 0 };
}

void sessions_free(struct session *sessions, size_t n)
{
	for (size_t i = 0; i < n; i++)
		session_deinit(&sessions[i]);
	free(sessions);
}

bool session_lives(const struct session *s, const struct account *a, int64_t now_us)
{
	return !s->ended_us && now_us < s->until_us && !a->disabled && s->account_id == a->id &&
		s->generation == a->token_generation;
}

/* ---- writing ---- */

/* In a transaction of its own: one that also adds would lock what others are about to add. */
static int forget(struct meta *m, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_LAZY, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_SESSION_FORGET);

	sql_bind_i64(st, now_us);
	return sql_run(st, e) == SQL_DONE ? sql_commit(c, e) : -1;
}

int meta_session_add(struct meta *m, const struct session *s, struct err *e)
{
	static const uint8_t none[SHA256_SIZE];
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (forget(m, s->created_us, e) || sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_SESSION_ADD);

	sql_bind_uuid(st, &s->id);
	sql_bind_u64(st, s->account_id);
	sql_bind_u64(st, s->generation);
	sql_bind_text(st, s->strength);
	sql_bind_i64(st, s->created_us);
	sql_bind_i64(st, s->seen_us);
	sql_bind_i64(st, s->factor_us);
	sql_bind_i64(st, s->until_us);
	sql_bind_text(st, s->client);
	sql_bind_text(st, s->agent);
	sql_bind_blob(st, s->refresh_family, SHA256_SIZE);
	sql_bind_blob(st, s->refresh_hash, SHA256_SIZE);
	sql_bind_blob(st, none, SHA256_SIZE);
	sql_bind_i64(st, s->refreshed_us);
	return sql_run(st, e) == SQL_DONE ? sql_commit(c, e) : -1;
}

/* Begins a transaction on the writer with this statement, which is to change one session. */
static int begin(struct meta *m, enum statement s, struct sql_conn **c_r, struct sql_stmt **st_r, struct err *e)
{
	if (sql_writer(m->control, c_r, e) || sql_begin(*c_r, SQL_DURABLE, e))
		return -1;
	*st_r = sql_use(*c_r, s);
	return 0;
}

/* 1 when st changed the session, 0, -1. */
static int finish(struct sql_conn *c, struct sql_stmt *st, struct err *e)
{
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (sql_changed(c) == 0)
		return 0;
	return sql_commit(c, e) ? -1 : 1;
}

int meta_session_refresh(struct meta *m, const struct session *s, const uint8_t from[SHA256_SIZE], struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct sql_stmt *st;

	if (begin(m, STMT_SESSION_REFRESH, &c, &st, e))
		return -1;
	sql_bind_blob(st, from, SHA256_SIZE);
	sql_bind_blob(st, s->refresh_hash, SHA256_SIZE);
	sql_bind_i64(st, s->seen_us);
	sql_bind_i64(st, s->seen_us);
	sql_bind_text(st, s->client);
	sql_bind_text(st, s->agent);
	sql_bind_uuid(st, &s->id);
	sql_bind_blob(st, from, SHA256_SIZE);
	return finish(c, st, e);
}

int meta_session_factor(struct meta *m, const struct uuid *id, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct sql_stmt *st;

	if (begin(m, STMT_SESSION_FACTOR, &c, &st, e))
		return -1;
	sql_bind_i64(st, now_us);
	sql_bind_i64(st, now_us);
	sql_bind_uuid(st, id);
	return finish(c, st, e);
}

int meta_session_end(struct meta *m, uint64_t account_id, const struct uuid *id, const char *reason, int64_t now_us,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct sql_stmt *st;

	if (begin(m, STMT_SESSION_END, &c, &st, e))
		return -1;
	sql_bind_i64(st, now_us);
	sql_bind_text(st, reason);
	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return finish(c, st, e);
}

/* ---- reading ---- */

/* In the order of STMT_SESSION_GET and STMT_SESSION_LIST. */
static void take_session(struct sql_stmt *st, struct session *s)
{
	sql_get_uuid(st, &s->id);
	s->account_id = sql_get_u64(st);
	s->generation = sql_get_u64(st);
	s->strength = sql_get_text(st);
	s->created_us = sql_get_i64(st);
	s->seen_us = sql_get_i64(st);
	s->factor_us = sql_get_i64(st);
	s->until_us = sql_get_i64(st);
	s->client = sql_get_text(st);
	s->agent = sql_get_text(st);
}

static void take_refresh(struct sql_stmt *st, struct session *s)
{
	sql_get_fixed(st, s->refresh_family, SHA256_SIZE);
	sql_get_fixed(st, s->refresh_hash, SHA256_SIZE);
	sql_get_fixed(st, s->refresh_before, SHA256_SIZE);
	s->refreshed_us = sql_get_i64(st);
	bool lives = sql_get_null(st);
	int64_t ended_us = sql_get_i64(st);

	s->ended_us = lives ? 0 : ended_us;
}

enum session_row { ROW_SESSION, ROW_PERMISSION, ROW_MAILBOX };

/* Any row of STMT_SESSION_GET; they come in any order. Says which it was. */
static enum session_row take_row(struct sql_stmt *st, struct session *s, struct account *a)
{
	enum session_row kind = (enum session_row)sql_get_i64(st);
	_free_ char *text = sql_get_text(st);

	switch (kind) {
	case ROW_SESSION:
		take_session(st, s);
		take_refresh(st, s);
		account_take(st, a);
		break;
	case ROW_PERMISSION:
		strv_add(&a->permissions, text);
		break;
	case ROW_MAILBOX:
		strv_add(&a->scope_mailboxes, text);
		break;
	}
	return kind;
}

/* Several roles may allow the same, and several departments have the same mailbox. */
static void tidy(struct strv *list)
{
	strv_dedup(list);
	strv_sort(list);
}

int meta_session_get(struct meta *m, const struct uuid *id, struct session *s_r, struct account *a_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	CLEANUP(session_deinit) struct session s = { 0 };
	CLEANUP(account_deinit) struct account a = { 0 };
	enum sql_result step;
	bool found = false;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_SESSION_GET);
	for (int i = 0; i < SESSION_PARTS; i++)
		sql_bind_uuid(st, id);
	while ((step = sql_step(st, e)) == SQL_ROW)
		found |= take_row(st, &s, &a) == ROW_SESSION;
	if (step != SQL_DONE || !found)
		return step == SQL_DONE ? 0 : -1;
	tidy(&a.permissions);
	tidy(&a.scope_mailboxes);
	*s_r = s;
	*a_r = a;
	s = (struct session){ 0 };
	a = (struct account){ 0 };
	return 1;
}

int meta_session_list(struct meta *m, uint64_t account_id, int64_t now_us, const struct uuid *before, size_t max,
	struct session **sessions_r, size_t *n_r, struct err *e)
{
	static const struct uuid last = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff } };
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step = SQL_DONE;
	size_t n = 0;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_SESSION_LIST);
	sql_bind_u64(st, account_id);
	sql_bind_uuid(st, before ? before : &last);
	sql_bind_i64(st, now_us);
	sql_bind_u64(st, max);
	struct session *sessions = MEM_ARRAY(struct session, max);

	while (n < max && (step = sql_step(st, e)) == SQL_ROW)
		take_session(st, &sessions[n++]);
	if (step == SQL_FAILED) {
		sessions_free(sessions, n);
		return -1;
	}
	*sessions_r = sessions;
	*n_r = n;
	return 0;
}
