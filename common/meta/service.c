#include "meta/service.h"

#include "meta/account_private.h"

static int add_identity(struct sql_conn *c, uint64_t id, const struct service_identity *s, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_SERVICE_ADD);

	sql_bind_u64(st, id);
	sql_bind_blob(st, s->token, sizeof(s->token));
	sql_bind_blob(st, s->certificate, sizeof(s->certificate));
	sql_bind_i64(st, s->token_us);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

int meta_service_add(struct meta *m, const struct account_new *a, const struct service_identity *s, uint64_t *id_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	return account_insert(c, a, id_r, e) || add_identity(c, *id_r, s, e) ? -1 : sql_commit(c, e);
}

int meta_service_get(struct meta *m, uint64_t account_id, struct service_identity *s_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_SERVICE_GET);
	sql_bind_u64(st, account_id);
	int found = sql_find(st, e);

	if (found == 1) {
		*s_r = (struct service_identity){ 0 };
		sql_get_fixed(st, s_r->certificate, sizeof(s_r->certificate));
		s_r->token_us = sql_get_i64(st);
	}
	return found;
}

static int find_token(struct meta *m, const uint8_t token[SHA256_SIZE], uint64_t *account_id_r,
	uint8_t certificate_r[SHA256_SIZE], struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_SERVICE_BY_TOKEN);
	sql_bind_blob(st, token, SHA256_SIZE);
	int found = sql_find(st, e);

	if (found == 1) {
		*account_id_r = sql_get_u64(st);
		sql_get_fixed(st, certificate_r, SHA256_SIZE);
	}
	return found;
}

int meta_service_by_token(struct meta *m, const uint8_t token[SHA256_SIZE], struct account *a_r,
	uint8_t certificate_r[SHA256_SIZE], struct err *e)
{
	uint64_t id;
	int found = find_token(m, token, &id, certificate_r, e);

	return found == 1 ? meta_account_by_id(m, id, a_r, e) : found;
}

/* Signs out: what was given to the one before, such as links to exports, ends with it. */
int meta_service_set_token(struct meta *m, uint64_t account_id, uint64_t version, const uint8_t token[SHA256_SIZE], int64_t now_us,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_USER_TOUCH_IF);

	sql_bind_u64(st, account_id);
	sql_bind_u64(st, version);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (!sql_changed(c))
		return 0;
	st = sql_use(c, STMT_SERVICE_TOKEN_SET);
	sql_bind_blob(st, token, SHA256_SIZE);
	sql_bind_i64(st, now_us);
	sql_bind_u64(st, account_id);
	return sql_run(st, e) != SQL_DONE || account_run_on(c, STMT_ACCOUNT_SIGN_OUT, account_id, e) || sql_commit(c, e) ? -1 : 1;
}

int service_set_certificate(struct sql_conn *c, uint64_t account_id, const uint8_t *certificate, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_SERVICE_CERTIFICATE_SET);

	sql_bind_blob(st, certificate, SHA256_SIZE);
	sql_bind_u64(st, account_id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}
