#include "meta/account.h"

#include "base/str.h"
#include "mail/address.h"
#include "meta/account_private.h"
#include "meta/keep_gate.h"

#include <string.h>

void account_deinit(struct account *a)
{
	free(a->username);
	free(a->password_hash);
	free(a->totp_secret);
	strv_deinit(&a->permissions);
	strv_deinit(&a->scope_mailboxes);
	*a = (struct account){ 0 };
}

#define NAME_LENGTH_MAX 128

bool account_name_good(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"'<>\\:,;", *p))
			return false;
	return *name && strlen(name) <= NAME_LENGTH_MAX && str_utf8_valid(name, strlen(name));
}

/* ---- reading ---- */

int64_t account_time_or(struct sql_stmt *st, int64_t open)
{
	bool is_open = sql_get_null(st);
	int64_t value = sql_get_i64(st);

	return is_open ? open : value;
}

void account_take(struct sql_stmt *st, struct account *a)
{
	a->id = sql_get_u64(st);
	a->username = sql_get_text(st);
	a->password_hash = sql_get_text(st);
	const void *secret = sql_get_bytes(st, &a->totp_secret_length);

	a->totp_secret = mem_dup(secret, a->totp_secret_length);
	a->disabled = sql_get_i64(st) != 0;
	a->token_generation = sql_get_u64(st);
	a->scope_all = sql_get_i64(st) != 0;
	a->scope_from_us = account_time_or(st, INT64_MIN);
	a->scope_until_us = account_time_or(st, INT64_MAX);
}

int account_take_texts(struct sql_stmt *st, struct strv *list, struct err *e)
{
	enum sql_result step;

	while ((step = sql_step(st, e)) == SQL_ROW) {
		_free_ char *text = sql_get_text(st);

		strv_add(list, text);
	}
	return step == SQL_FAILED ? -1 : 0;
}

int account_load_lists(struct sql_conn *c, struct account *a, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *permissions = sql_use(c, STMT_ACCOUNT_PERMISSIONS);
	CLEANUP(sql_finishp) struct sql_stmt *mailboxes = sql_use(c, STMT_ACCOUNT_SCOPE);

	sql_bind_u64(permissions, a->id);
	sql_bind_u64(mailboxes, a->id);
	sql_bind_u64(mailboxes, a->id);
	return account_take_texts(permissions, &a->permissions, e) ||
		account_take_texts(mailboxes, &a->scope_mailboxes, e) ? -1 : 0;
}

/* st finds one account; it is of c, which sees one state of the database throughout. */
static int load_account(struct sql_conn *c, struct sql_stmt *st, bool lists, struct account *a_r, struct err *e)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	int found = sql_find(st, e);

	if (found > 0)
		account_take(st, &a);
	sql_finishp(&st);
	if (found <= 0)
		return found;
	if (lists && account_load_lists(c, &a, e))
		return -1;
	*a_r = a;
	a = (struct account){ 0 };
	return 1;
}

int meta_account_by_name(struct meta *m, const char *username, struct account *a_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_BY_NAME);

	sql_bind_text(st, username);
	int found = load_account(c, st, false, a_r, e);

	if (found <= 0 || strcmp(a_r->username, username) == 0)
		return found;
	account_deinit(a_r); /* MySQL takes "a" and "a " for the same: many names would be counted for one account */
	return 0;
}

int meta_account_by_id(struct meta *m, uint64_t id, struct account *a_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_BY_ID);

	sql_bind_u64(st, id);
	return load_account(c, st, true, a_r, e);
}

/* In the order of STMT_ACCOUNT_RIGHTS. */
static void take_rights(struct sql_stmt *st, struct account *a)
{
	a->id = sql_get_u64(st);
	a->username = sql_get_text(st);
	a->disabled = sql_get_i64(st) != 0;
	a->scope_all = sql_get_i64(st) != 0;
	a->scope_from_us = account_time_or(st, INT64_MIN);
	a->scope_until_us = account_time_or(st, INT64_MAX);
}

int meta_account_rights(struct meta *m, uint64_t id, struct account *a_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(account_deinit) struct account a = { 0 };

	if (sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_RIGHTS);

	sql_bind_u64(st, id);
	int found = sql_find(st, e);

	if (found > 0)
		take_rights(st, &a);
	sql_finishp(&st);
	if (found <= 0)
		return found;
	if (account_load_lists(c, &a, e))
		return -1;
	*a_r = a;
	a = (struct account){ 0 };
	return 1;
}

int meta_account_ids(struct meta *m, uint64_t **ids_r, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	_free_ uint64_t *ids = NULL;
	enum sql_result step;
	size_t n = 0;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_ACCOUNT_IDS);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		if ((n & (n - 1)) == 0)
			ids = mem_realloc(ids, n ? 2 * n : 1, sizeof(*ids));
		ids[n++] = sql_get_u64(st);
	}
	if (step == SQL_FAILED)
		return -1;
	*ids_r = ids;
	*n_r = n;
	ids = NULL;
	return 0;
}

int meta_account_roles(struct meta *m, uint64_t id, struct strv *roles_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	CLEANUP(strv_deinit) struct strv roles = { 0 };

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_ACCOUNT_ROLES);
	sql_bind_u64(st, id);
	if (account_take_texts(st, &roles, e))
		return -1;
	*roles_r = roles;
	roles = (struct strv){ 0 };
	return 0;
}

/* ---- writing ---- */

static void bind_time(struct sql_stmt *st, int64_t value, int64_t open)
{
	if (value == open)
		sql_bind_null(st);
	else
		sql_bind_i64(st, value);
}

void account_bind_scope(struct sql_stmt *st, const struct account_scope *scope)
{
	sql_bind_i64(st, scope->all);
	bind_time(st, scope->from_us, INT64_MIN);
	bind_time(st, scope->until_us, INT64_MAX);
}

static int insert_row(struct sql_conn *c, const struct account_new *a, uint64_t *id_r,
	struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_ADD);

	sql_bind_text(st, a->username);
	sql_bind_text(st, a->password_hash);
	sql_bind_blob(st, a->totp_secret, a->totp_secret_length);
	account_bind_scope(st, &a->scope);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		*id_r = sql_last_id(c);
		return 0;
	case SQL_FAILED:
		return -1;
	default:
		return err_permanent(e, "add(%s) failed: there is an account of this name",
			a->username);
	}
}

/* Adds a row that names something else; it must exist. Twice the same is once. */
static int link_name(struct sql_conn *c, enum statement s, uint64_t id, const char *kind,
	const char *name, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_u64(st, id);
	sql_bind_text(st, name);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		if (sql_changed(c))
			return 0;
		return err_permanent(e, "add(%s) failed: there is no such %s", name, kind);
	case SQL_FAILED:
		return -1;
	default:
		return 0;
	}
}

int account_link_names(struct sql_conn *c, enum statement s, uint64_t id, const char *kind,
	const struct strv *names, struct err *e)
{
	for (size_t i = 0; names && i < names->n; i++)
		if (link_name(c, s, id, kind, names->items[i], e))
			return -1;
	return 0;
}

int account_link_mailboxes(struct sql_conn *c, enum statement s, uint64_t id,
	const struct strv *mailboxes, struct err *e)
{
	for (size_t i = 0; mailboxes && i < mailboxes->n; i++) {
		_free_ char *normal = address_normalize(mailboxes->items[i]);

		if (!*normal)
			return err_permanent(e, "add(%s) failed: this is no mailbox",
				mailboxes->items[i]);
		if (link_name(c, s, id, "mailbox", normal, e))
			return -1;
	}
	return 0;
}

/* What the account's scope names. */
int account_link_scope(struct sql_conn *c, uint64_t id, const struct account_scope *scope, struct err *e)
{
	return account_link_mailboxes(c, STMT_ACCOUNT_MAILBOX_ADD, id, scope->mailboxes, e) ||
		account_link_names(c, STMT_ACCOUNT_DEPARTMENT_ADD, id, "department", scope->departments, e) ? -1 : 0;
}

int account_insert(struct sql_conn *c, const struct account_new *a, uint64_t *id_r, struct err *e)
{
	return insert_row(c, a, id_r, e) || account_link_names(c, STMT_ACCOUNT_ROLE_ADD, *id_r, "role", a->roles, e) ||
		account_link_scope(c, *id_r, &a->scope, e) ? -1 : 0;
}

int meta_account_add(struct meta *m, const struct account_new *a, uint64_t *id_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	return account_insert(c, a, id_r, e) ? -1 : sql_commit(c, e);
}

/* Begins a transaction on the account of this name. */
static int begin_on(struct meta *m, const char *username, struct sql_conn **c_r, uint64_t *id_r,
	struct err *e)
{
	if (sql_writer(m->control, c_r, e) || sql_begin(*c_r, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(*c_r, STMT_ACCOUNT_FIND);

	sql_bind_text(st, username);
	if (sql_number(st, id_r, e))
		return -1;
	return *id_r ? 0 : err_permanent(e, "change(%s) failed: there is no account of this name", username);
}

int account_run_on(struct sql_conn *c, enum statement s, uint64_t id, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_u64(st, id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

int meta_account_scope_set(struct meta *m, const char *username, const struct account_scope *scope,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t id;

	if (begin_on(m, username, &c, &id, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_SCOPE_SET);

	account_bind_scope(st, scope);
	sql_bind_u64(st, id);
	if (sql_run(st, e) != SQL_DONE || account_run_on(c, STMT_ACCOUNT_MAILBOXES_CLEAR, id, e) ||
		account_run_on(c, STMT_ACCOUNT_DEPARTMENTS_CLEAR, id, e) || account_link_scope(c, id, scope, e))
		return -1;
	return sql_commit(c, e);
}

int meta_account_sign_out(struct meta *m, const char *username, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t id;

	if (begin_on(m, username, &c, &id, e) || account_run_on(c, STMT_ACCOUNT_SIGN_OUT, id, e))
		return -1;
	return sql_commit(c, e);
}

int meta_account_disable(struct meta *m, const char *username, bool disabled, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t id;

	if (begin_on(m, username, &c, &id, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ACCOUNT_DISABLE);

	sql_bind_i64(st, disabled);
	sql_bind_u64(st, id);
	return sql_run(st, e) == SQL_DONE ? sql_commit(c, e) : -1;
}

/* Commits when st, of a transaction that is begun, changed the account: 1, 0 when it did not, -1. */
static int commit_if_changed(struct sql_conn *c, struct sql_stmt *st, struct err *e)
{
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (sql_changed(c) == 0)
		return 0;
	return sql_commit(c, e) ? -1 : 1;
}

int meta_account_code_try(struct meta *m, uint64_t id, int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_CODE_TRY);

	sql_bind_i64(st, now_us);
	sql_bind_i64(st, now_us);
	sql_bind_i64(st, ACCOUNT_CODE_TRY_US);
	sql_bind_u64(st, id);
	sql_bind_i64(st, now_us + (ACCOUNT_CODE_TRIES - 1) * ACCOUNT_CODE_TRY_US);
	return commit_if_changed(c, st, e);
}

int meta_account_totp_use(struct meta *m, uint64_t id, uint64_t step, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_TOTP_USE);

	sql_bind_u64(st, step);
	sql_bind_u64(st, id);
	sql_bind_u64(st, step);
	return commit_if_changed(c, st, e);
}

int department_find(struct sql_conn *c, const char *name, uint64_t *id_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_DEPARTMENT_FIND);

	sql_bind_text(st, name);
	return sql_number(st, id_r, e);
}

int meta_department_mailboxes(struct meta *m, const char *name, struct strv *mailboxes_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
	uint64_t id;

	if (sql_reader(m->control, &c, e) || sql_begin_snapshot(c, e) ||
		department_find(c, name, &id, e))
		return -1;
	if (!id)
		return 0;
	st = sql_use(c, STMT_DEPARTMENT_MAILBOXES);
	sql_bind_u64(st, id);
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };

	if (account_take_texts(st, &mailboxes, e))
		return -1;
	*mailboxes_r = mailboxes;
	mailboxes = (struct strv){ 0 };
	return 1;
}

int department_make(struct sql_conn *c, const char *name, uint64_t *id_r, struct err *e)
{
	if (department_find(c, name, id_r, e))
		return -1;
	if (*id_r)
		return 0;
	struct sql_stmt *st = sql_use(c, STMT_DEPARTMENT_ADD);

	sql_bind_text(st, name);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		*id_r = sql_last_id(c);
		return 0;
	case SQL_FAILED:
		return -1;
	default:
		return err_temporary(e, "add(%s) failed: somebody else adds this department", name);
	}
}

static int remove_mailbox(struct sql_conn *c, uint64_t department, const char *mailbox, struct err *e)
{
	_free_ char *normal = address_normalize(mailbox);
	struct sql_stmt *st = sql_use(c, STMT_DEPARTMENT_MAILBOX_REMOVE);

	sql_bind_u64(st, department);
	sql_bind_text(st, normal);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	return sql_changed(c) ? 0 : err_permanent(e, "remove(%s) failed: it is not in the department", mailbox);
}

static int remove_mailboxes(struct sql_conn *c, const char *name, const struct strv *mailboxes,
	struct err *e)
{
	uint64_t id;

	if (department_find(c, name, &id, e))
		return -1;
	if (!id)
		return err_permanent(e, "change(%s) failed: there is no such department", name);
	for (size_t i = 0; i < mailboxes->n; i++)
		if (remove_mailbox(c, id, mailboxes->items[i], e))
			return -1;
	return account_run_on(c, STMT_DEPARTMENT_TOUCH, id, e);
}

static int put_mailboxes(struct sql_conn *c, const char *name, bool only, const struct strv *mailboxes,
	struct err *e)
{
	uint64_t id;

	if (department_make(c, name, &id, e) || account_run_on(c, STMT_DEPARTMENT_TOUCH, id, e) || (only && account_run_on(c, STMT_DEPARTMENT_MAILBOXES_CLEAR, id, e)))
		return -1;
	return account_link_mailboxes(c, STMT_DEPARTMENT_MAILBOX_ADD, id, mailboxes, e);
}

int meta_department_change(struct meta *m, const char *name, enum department_change change,
	const struct strv *mailboxes, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (keep_gate_begin(m, &c, e))
		return -1;
	int failed = change == DEPARTMENT_REMOVE ? remove_mailboxes(c, name, mailboxes, e) :
		put_mailboxes(c, name, change == DEPARTMENT_SET, mailboxes, e);

	return failed ? -1 : keep_gate_commit(m, &c, e);
}
