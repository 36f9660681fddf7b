#include "meta/user.h"

#include "meta/account_private.h"

void user_deinit(struct user *u)
{
	free(u->username);
	strv_deinit(&u->roles);
	strv_deinit(&u->mailboxes);
	strv_deinit(&u->departments);
	*u = (struct user){ 0 };
}

void user_list_free(struct user *users, size_t n)
{
	for (size_t i = 0; i < n; i++)
		user_deinit(&users[i]);
	free(users);
}

/* ---- reading ---- */

/* In the order of STMT_USER_…. */
static void take_user(struct sql_stmt *st, struct user *u)
{
	u->id = sql_get_u64(st);
	u->version = sql_get_u64(st);
	u->username = sql_get_text(st);
	u->disabled = sql_get_i64(st) != 0;
	u->scope_all = sql_get_i64(st) != 0;
	u->from_us = account_time_or(st, INT64_MIN);
	u->until_us = account_time_or(st, INT64_MAX);
	u->by_provider = sql_get_i64(st) != 0;
	u->has_factor = sql_get_i64(st) != 0;
}

static int take_list(struct sql_conn *c, enum statement s, uint64_t id, struct strv *list, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, s);

	sql_bind_u64(st, id);
	return account_take_texts(st, list, e);
}

static int take_users(struct sql_conn *c, enum statement s, uint64_t after, size_t limit, struct user *users, size_t *n_r,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, s);
	enum sql_result step;

	sql_bind_u64(st, after);
	sql_bind_u64(st, limit);
	while ((step = sql_step(st, e)) == SQL_ROW)
		take_user(st, &users[(*n_r)++]);
	return step == SQL_FAILED ? -1 : 0;
}

int meta_user_list(struct meta *m, enum user_kind kind, uint64_t after, size_t limit, struct user **users_r, size_t *n_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct user *users = MEM_ARRAY(struct user, limit);
	size_t n = 0;
	int failed = sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e) ||
		take_users(c, kind == USER_SERVICE ? STMT_USER_SERVICES : STMT_USER_LIST, after, limit, users, &n, e);

	for (size_t i = 0; !failed && i < n; i++)
		failed = take_list(c, STMT_ACCOUNT_ROLES, users[i].id, &users[i].roles, e);
	if (failed) {
		user_list_free(users, n);
		return -1;
	}
	*users_r = users;
	*n_r = n;
	return 0;
}

static int find_user(struct sql_conn *c, uint64_t id, struct user *u, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_USER_GET);

	sql_bind_u64(st, id);
	int found = sql_find(st, e);

	if (found == 1)
		take_user(st, u);
	return found;
}

int meta_user_get(struct meta *m, uint64_t id, struct user *u_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(user_deinit) struct user u = { 0 };

	if (sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	int found = find_user(c, id, &u, e);

	if (found <= 0)
		return found;
	if (take_list(c, STMT_ACCOUNT_ROLES, id, &u.roles, e) || take_list(c, STMT_USER_MAILBOXES, id, &u.mailboxes, e) ||
		take_list(c, STMT_USER_DEPARTMENTS, id, &u.departments, e))
		return -1;
	*u_r = u;
	u = (struct user){ 0 };
	return 1;
}

/* ---- writing ---- */

static int set_scope(struct sql_conn *c, uint64_t id, const struct account_scope *scope, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_SCOPE_SET);

	account_bind_scope(st, scope);
	sql_bind_u64(st, id);
	if (sql_run(st, e) != SQL_DONE || account_run_on(c, STMT_ACCOUNT_MAILBOXES_CLEAR, id, e) ||
		account_run_on(c, STMT_ACCOUNT_DEPARTMENTS_CLEAR, id, e))
		return -1;
	return account_link_scope(c, id, scope, e);
}

static int set_roles(struct sql_conn *c, uint64_t id, const struct strv *roles, struct err *e)
{
	if (account_run_on(c, STMT_USER_ROLES_CLEAR, id, e))
		return -1;
	return account_link_names(c, STMT_ACCOUNT_ROLE_ADD, id, "role", roles, e);
}

int meta_user_change(struct meta *m, uint64_t id, uint64_t version, const struct user_change *change, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_USER_TOUCH_IF);

	sql_bind_u64(st, id);
	sql_bind_u64(st, version);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (!sql_changed(c))
		return 0;
	if ((change->roles && set_roles(c, id, change->roles, e)) || (change->scope && set_scope(c, id, change->scope, e)) ||
		(change->certificate && service_set_certificate(c, id, change->certificate, e)))
		return -1;
	return sql_commit(c, e) ? -1 : 1;
}
