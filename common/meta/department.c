#include "meta/department.h"

#include "mail/address.h"
#include "meta/account_private.h"
#include "meta/keep_gate.h"

#include <string.h>

void department_deinit(struct department *d)
{
	free(d->name);
	*d = (struct department){ 0 };
}

void department_list_free(struct department *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		department_deinit(&list[i]);
	free(list);
}

/* ---- departments ---- */

/* In the order of STMT_DEPARTMENT_LIST and STMT_DEPARTMENT_GET. */
static void take_department(struct sql_stmt *st, struct department *d)
{
	d->name = sql_get_text(st);
	d->version = sql_get_u64(st);
	d->mailboxes = sql_get_u64(st);
	d->accounts = sql_get_u64(st);
	d->directory = sql_get_u64(st) != 0;
}

int meta_department_list(struct meta *m, const char *after, size_t limit, struct department **list_r, size_t *n_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	enum sql_result step;
	size_t n = 0;

	if (sql_reader(m->control, &c, e))
		return -1;
	struct department *list = MEM_ARRAY(struct department, limit);

	st = sql_use(c, STMT_DEPARTMENT_LIST);
	sql_bind_text(st, after);
	sql_bind_u64(st, limit);
	while ((step = sql_step(st, e)) == SQL_ROW)
		take_department(st, &list[n++]);
	if (step == SQL_FAILED) {
		department_list_free(list, n);
		return -1;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

int meta_department_get(struct meta *m, const char *name, struct department *d_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_DEPARTMENT_GET);
	sql_bind_text(st, name);
	int found = sql_find(st, e);

	if (found != 1)
		return found;
	take_department(st, d_r);
	if (strcmp(d_r->name, name) == 0)
		return 1;
	department_deinit(d_r); /* MySQL takes "a" and "a " for the same */
	return 0;
}

int meta_department_page(struct meta *m, const char *name, const char *after, size_t limit, struct strv *mailboxes_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	uint64_t id;

	if (sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e) || department_find(c, name, &id, e))
		return -1;
	if (!id)
		return 0;
	st = sql_use(c, STMT_DEPARTMENT_PAGE);
	sql_bind_u64(st, id);
	sql_bind_text(st, after);
	sql_bind_u64(st, limit);
	return account_take_texts(st, mailboxes_r, e) ? -1 : 1;
}

/* Moves the version on when it is this one: 1, 0, -1. */
static int touch_if(struct sql_conn *c, uint64_t id, uint64_t version, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_DEPARTMENT_TOUCH_IF);

	sql_bind_u64(st, id);
	sql_bind_u64(st, version);
	return sql_run(st, e) != SQL_DONE ? -1 : sql_changed(c) > 0;
}

int meta_department_replace(struct meta *m, const char *name, uint64_t version, const struct strv *mailboxes,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t id;

	if (keep_gate_begin(m, &c, e) || department_find(c, name, &id, e))
		return -1;
	int found = touch_if(c, id, version, e);

	if (found <= 0)
		return found;
	return account_run_on(c, STMT_DEPARTMENT_MAILBOXES_CLEAR, id, e) ||
		account_link_mailboxes(c, STMT_DEPARTMENT_MAILBOX_ADD, id, mailboxes, e) || keep_gate_commit(m, &c, e) ? -1 : 1;
}

static int take_out(struct sql_conn *c, uint64_t id, const struct strv *mailboxes, struct err *e)
{
	for (size_t i = 0; i < mailboxes->n; i++) {
		_free_ char *normal = address_normalize(mailboxes->items[i]);
		struct sql_stmt *st = sql_use(c, STMT_DEPARTMENT_MAILBOX_REMOVE);

		sql_bind_u64(st, id);
		sql_bind_text(st, normal);
		if (sql_run(st, e) != SQL_DONE)
			return -1;
	}
	return 0;
}

int meta_department_sync(struct meta *m, const char *name, const struct strv *added, const struct strv *removed,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t id;

	return keep_gate_begin(m, &c, e) || department_make(c, name, &id, e) ||
		account_run_on(c, STMT_DEPARTMENT_SYNCED, id, e) ||
		account_link_mailboxes(c, STMT_DEPARTMENT_MAILBOX_ADD, id, added, e) || take_out(c, id, removed, e) ||
		keep_gate_commit(m, &c, e) ? -1 : 0;
}

int meta_department_remove(struct meta *m, const char *name, uint64_t version, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t id, used;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e) || department_find(c, name, &id, e))
		return -1;
	int found = touch_if(c, id, version, e);

	if (found <= 0)
		return found;
	struct sql_stmt *st = sql_use(c, STMT_DEPARTMENT_USED);

	sql_bind_u64(st, id);
	if (sql_number(st, &used, e))
		return -1;
	if (used)
		return 0;
	return account_run_on(c, STMT_DEPARTMENT_MAILBOXES_CLEAR, id, e) ||
		account_run_on(c, STMT_DEPARTMENT_DELETE, id, e) || sql_commit(c, e) ? -1 : 1;
}

/* ---- mailboxes ---- */

int meta_member_list(struct meta *m, const char *after, size_t limit, struct strv *mailboxes_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_MEMBER_LIST);
	sql_bind_text(st, after);
	sql_bind_u64(st, limit);
	return account_take_texts(st, mailboxes_r, e);
}

static int departments_of(struct sql_conn *c, const char *normal, struct strv *departments_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MEMBER_DEPARTMENTS);

	sql_bind_text(st, normal);
	return account_take_texts(st, departments_r, e);
}

int meta_member_departments(struct meta *m, const char *mailbox, struct strv *departments_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	_free_ char *normal = address_normalize(mailbox);

	return sql_reader(m->control, &c, e) ? -1 : departments_of(c, normal, departments_r, e);
}

static int touch(struct sql_conn *c, const struct strv *departments, struct err *e)
{
	uint64_t id;

	for (size_t i = 0; i < departments->n; i++)
		if (department_find(c, departments->items[i], &id, e) || account_run_on(c, STMT_DEPARTMENT_TOUCH, id, e))
			return -1;
	return 0;
}

static int enter(struct sql_conn *c, const char *normal, const char *department, struct err *e)
{
	uint64_t id;

	if (department_find(c, department, &id, e))
		return -1;
	if (!id)
		return err_permanent(e, "add(%s) failed: there is no such department", department);
	struct sql_stmt *st = sql_use(c, STMT_DEPARTMENT_MAILBOX_ADD);

	sql_bind_u64(st, id);
	sql_bind_text(st, normal);
	return sql_run(st, e) == SQL_FAILED ? -1 : account_run_on(c, STMT_DEPARTMENT_TOUCH, id, e);
}

int meta_member_set(struct meta *m, const char *mailbox, const struct strv *departments, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(strv_deinit) struct strv before = { 0 };
	_free_ char *normal = address_normalize(mailbox);

	if (keep_gate_begin(m, &c, e) || departments_of(c, normal, &before, e) ||
		touch(c, &before, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_MEMBER_CLEAR);

	sql_bind_text(st, normal);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	for (size_t i = 0; i < departments->n; i++)
		if (enter(c, normal, departments->items[i], e))
			return -1;
	return keep_gate_commit(m, &c, e);
}
