#include "meta/identity.h"

#include "meta/account_private.h"
#include "sys/digest.h"

#include <string.h>

void identity_deinit(struct identity *i)
{
	free(i->issuer);
	free(i->subject);
	*i = (struct identity){ 0 };
}

static void hash_identity(const struct identity *i, uint8_t hash_r[SHA256_SIZE])
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();

	sha256_add(h, i->issuer, strlen(i->issuer) + 1);
	sha256_add(h, i->subject, strlen(i->subject));
	sha256_finish(h, hash_r);
}

/* ---- reading ---- */

/* 1, 0, -1. */
static int find(struct sql_conn *c, const struct identity *i, uint64_t *account_id_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_IDENTITY_FIND);
	uint8_t hash[SHA256_SIZE];

	hash_identity(i, hash);
	sql_bind_blob(st, hash, sizeof(hash));
	int found = sql_find(st, e);

	if (found == 1)
		*account_id_r = sql_get_u64(st);
	return found;
}

int meta_identity_account(struct meta *m, const struct identity *i, uint64_t *account_id_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) ? -1 : find(c, i, account_id_r, e);
}

int meta_identity_get(struct meta *m, uint64_t account_id, struct identity *i_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_IDENTITY_GET);
	sql_bind_u64(st, account_id);
	int found = sql_find(st, e);

	if (found == 1) {
		i_r->issuer = sql_get_text(st);
		i_r->subject = sql_get_text(st);
		i_r->linked_us = sql_get_i64(st);
	}
	return found;
}

/* ---- writing ---- */

/* SQL_DONE also when the account has a password: then nothing is added. */
static enum sql_result insert(struct sql_conn *c, uint64_t account_id, const struct identity *i, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_IDENTITY_ADD);
	uint8_t hash[SHA256_SIZE];

	hash_identity(i, hash);
	sql_bind_blob(st, hash, sizeof(hash));
	sql_bind_text(st, i->issuer);
	sql_bind_text(st, i->subject);
	sql_bind_i64(st, i->linked_us);
	sql_bind_u64(st, account_id);
	return sql_run(st, e);
}

int meta_identity_link(struct meta *m, uint64_t account_id, const struct identity *i, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint64_t owner;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	enum sql_result added = insert(c, account_id, i, e);

	if (added == SQL_FAILED)
		return -1;
	if (added == SQL_DONE && !sql_changed(c))
		return 0;
	if (added == SQL_DONE)
		return account_run_on(c, STMT_USER_TOUCH, account_id, e) || sql_commit(c, e) ? -1 : 1;
	int found = find(c, i, &owner, e);

	return found == 1 ? owner == account_id : found;
}

int meta_identity_add(struct meta *m, const struct account_new *a, const struct identity *i, uint64_t *id_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e) || account_insert(c, a, id_r, e))
		return -1;
	switch (insert(c, *id_r, i, e)) {
	case SQL_DONE:
		return sql_commit(c, e);
	case SQL_FAILED:
		return -1;
	default:
		return err_permanent(e, "add(%s) failed: this identity is another account's", a->username);
	}
}

int meta_identity_expect(struct meta *m, uint64_t account_id, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e) ||
		account_run_on(c, STMT_IDENTITY_CLEAR, account_id, e) || account_run_on(c, STMT_PASSWORD_CLEAR, account_id, e))
		return -1;
	return sql_commit(c, e);
}
