#include "meta/role.h"

#include "meta/account_private.h"

#include <string.h>

void role_deinit(struct role *r)
{
	free(r->name);
	free(r->meaning);
	strv_deinit(&r->permissions);
	*r = (struct role){ 0 };
}

void role_list_free(struct role *roles, size_t n)
{
	for (size_t i = 0; i < n; i++)
		role_deinit(&roles[i]);
	free(roles);
}

/* ---- reading ---- */

/* In the order of STMT_ROLE_LIST and STMT_ROLE_GET. */
static void take_role(struct sql_stmt *st, struct role *r)
{
	r->name = sql_get_text(st);
	r->meaning = sql_get_text(st);
	r->version = sql_get_u64(st);
	r->custom = sql_get_i64(st) != 0;
	r->accounts = sql_get_u64(st);
}

static int take_permissions(struct sql_conn *c, struct role *r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_ROLE_PERMISSIONS);

	sql_bind_text(st, r->name);
	return account_take_texts(st, &r->permissions, e);
}

static int take_roles(struct sql_conn *c, const char *after, size_t limit, struct role *roles, size_t *n_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_ROLE_LIST);
	enum sql_result step;

	sql_bind_text(st, after);
	sql_bind_u64(st, limit);
	while ((step = sql_step(st, e)) == SQL_ROW)
		take_role(st, &roles[(*n_r)++]);
	return step == SQL_FAILED ? -1 : 0;
}

int meta_role_list(struct meta *m, const char *after, size_t limit, struct role **roles_r, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct role *roles = MEM_ARRAY(struct role, limit);
	size_t n = 0;
	int failed = sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e) || take_roles(c, after, limit, roles, &n, e);

	for (size_t i = 0; !failed && i < n; i++)
		failed = take_permissions(c, &roles[i], e);
	if (failed) {
		role_list_free(roles, n);
		return -1;
	}
	*roles_r = roles;
	*n_r = n;
	return 0;
}

static int find_role(struct sql_conn *c, const char *name, struct role *r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_ROLE_GET);

	sql_bind_text(st, name);
	int found = sql_find(st, e);

	if (found == 1)
		take_role(st, r);
	return found == 1 && strcmp(r->name, name) != 0 ? 0 : found; /* MySQL takes "a" and "a " for the same */
}

int meta_role_get(struct meta *m, const char *name, struct role *r_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(role_deinit) struct role r = { 0 };

	if (sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	int found = find_role(c, name, &r, e);

	if (found <= 0)
		return found;
	if (take_permissions(c, &r, e))
		return -1;
	*r_r = r;
	r = (struct role){ 0 };
	return 1;
}

/* ---- writing ---- */

static int add_permission(struct sql_conn *c, const char *name, const char *permission, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ROLE_PERMISSION_ADD);

	sql_bind_text(st, name);
	sql_bind_text(st, permission);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		return sql_changed(c) ? 0 : err_permanent(e, "add(%s) failed: there is no such permission", permission);
	case SQL_FAILED:
		return -1;
	default:
		return 0;
	}
}

static int run_on_name(struct sql_conn *c, enum statement s, const char *name, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_text(st, name);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

static int set_permissions(struct sql_conn *c, const char *name, const struct strv *permissions, struct err *e)
{
	if (run_on_name(c, STMT_ROLE_PERMISSIONS_CLEAR, name, e))
		return -1;
	for (size_t i = 0; i < permissions->n; i++)
		if (add_permission(c, name, permissions->items[i], e))
			return -1;
	return 0;
}

int meta_role_add(struct meta *m, const char *name, const char *meaning, const struct strv *permissions, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ROLE_ADD);

	sql_bind_text(st, name);
	sql_bind_text(st, meaning);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		return set_permissions(c, name, permissions, e) || sql_commit(c, e) ? -1 : 1;
	case SQL_FAILED:
		return -1;
	default:
		return 0;
	}
}

int meta_role_change(struct meta *m, const char *name, uint64_t version, const char *meaning,
	const struct strv *permissions, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ROLE_SET);

	sql_bind_text(st, meaning);
	sql_bind_text(st, name);
	sql_bind_u64(st, version);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (!sql_changed(c))
		return 0;
	return set_permissions(c, name, permissions, e) || sql_commit(c, e) ? -1 : 1;
}

int meta_role_remove(struct meta *m, const char *name, uint64_t version, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(role_deinit) struct role r = { 0 };

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	int found = find_role(c, name, &r, e);

	if (found <= 0)
		return found;
	if (!r.custom || r.accounts)
		return 0;
	if (run_on_name(c, STMT_ROLE_PERMISSIONS_CLEAR, name, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ROLE_DELETE);

	sql_bind_text(st, name);
	sql_bind_u64(st, version);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (!sql_changed(c))
		return 0;
	return sql_commit(c, e) ? -1 : 1;
}
