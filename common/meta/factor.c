#include "meta/factor.h"

#include "base/clock.h"
#include "base/hex.h"
#include "meta/meta_private.h"
#include "sys/secret.h"

#include <string.h>

/* A statement whose one value is the account. */
static int run_with(struct sql_conn *c, enum statement s, uint64_t account_id, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);

	sql_bind_u64(st, account_id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

/* Takes the session along to the account's generation, which has just moved on by one. One that was dead stays so. */
static int keep_session(struct sql_conn *c, uint64_t account_id, const struct uuid *id, struct err *e)
{
	if (!id)
		return 0;
	struct sql_stmt *st = sql_use(c, STMT_SESSION_KEEP);

	sql_bind_uuid(st, id);
	sql_bind_u64(st, account_id);
	return sql_run(st, e) == SQL_DONE ? 0 : -1;
}

int meta_factor_password(struct meta *m, uint64_t account_id, const struct uuid *keep, const char *hash, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_PASSWORD_SET);

	sql_bind_text(st, hash);
	sql_bind_u64(st, account_id);
	if (sql_run(st, e) != SQL_DONE || run_with(c, STMT_IDENTITY_CLEAR, account_id, e) ||
		keep_session(c, account_id, keep, e))
		return -1;
	return sql_commit(c, e);
}

/* ---- one-time codes ---- */

/* token_hash, sealed: NULL for none. */
static int add_enrolment(struct sql_conn *c, uint64_t account_id, const uint8_t *token_hash, const void *sealed, size_t n,
	int64_t until_us, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ENROLMENT_ADD);

	sql_bind_u64(st, account_id);
	sql_bind_blob(st, token_hash, token_hash ? SHA256_SIZE : 0);
	sql_bind_blob(st, sealed, n);
	sql_bind_i64(st, until_us);
	switch (sql_run(st, e)) {
	case SQL_DONE:
		return 0;
	case SQL_FAILED:
		return -1;
	default:
		return err_conflict(e, "add(enrolment) failed: somebody else has just begun one");
	}
}

static void make_token(char token_r[FACTOR_TOKEN_SIZE], uint8_t hash_r[SHA256_SIZE])
{
	uint8_t bytes[(FACTOR_TOKEN_SIZE - 1) / 2];

	secret_random(bytes, sizeof(bytes));
	hex_encode(token_r, bytes, sizeof(bytes));
	sha256_of(token_r, FACTOR_TOKEN_SIZE - 1, hash_r);
	explicit_bzero(bytes, sizeof(bytes));
}

int meta_factor_reset(struct meta *m, uint64_t account_id, int64_t now_us, char token_r[FACTOR_TOKEN_SIZE], struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint8_t hash[SHA256_SIZE];

	make_token(token_r, hash);
	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_USER_TOTP_SET);

	sql_bind_blob(st, "", 0);
	sql_bind_u64(st, account_id);
	if (sql_run(st, e) != SQL_DONE || run_with(c, STMT_RECOVERY_CLEAR, account_id, e) ||
		run_with(c, STMT_ENROLMENT_CLEAR, account_id, e) ||
		add_enrolment(c, account_id, hash, NULL, 0, now_us + FACTOR_TOKEN_LIFE_S * CLOCK_SECOND, e))
		return -1;
	return sql_commit(c, e);
}

int meta_enrolment_begin(struct meta *m, uint64_t account_id, const void *sealed, size_t n, int64_t until_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e) || run_with(c, STMT_ENROLMENT_CLEAR, account_id, e) ||
		add_enrolment(c, account_id, NULL, sealed, n, until_us, e))
		return -1;
	return sql_commit(c, e) ? -1 : 1;
}

/* Commits when st changed something: 1, 0 when it did not, -1. */
static int commit_if_changed(struct sql_conn *c, struct sql_stmt *st, struct err *e)
{
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (sql_changed(c) == 0)
		return 0;
	return sql_commit(c, e) ? -1 : 1;
}

int meta_enrolment_begin_by_token(struct meta *m, uint64_t account_id, const char *token, const void *sealed, size_t n,
	int64_t now_us, int64_t until_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	uint8_t hash[SHA256_SIZE];

	sha256_of(token, strlen(token), hash);
	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_ENROLMENT_BY_TOKEN);

	sql_bind_blob(st, sealed, n);
	sql_bind_i64(st, until_us);
	sql_bind_u64(st, account_id);
	sql_bind_blob(st, hash, SHA256_SIZE);
	sql_bind_i64(st, now_us);
	return commit_if_changed(c, st, e);
}

int meta_enrolment_secret(struct meta *m, uint64_t account_id, int64_t now_us, uint8_t **sealed_r, size_t *n_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_ENROLMENT_SECRET);
	sql_bind_u64(st, account_id);
	sql_bind_i64(st, now_us);
	sql_bind_i64(st, now_us);
	int found = sql_find(st, e);

	if (found > 0) {
		const void *sealed = sql_get_bytes(st, n_r);

		*sealed_r = mem_dup(sealed, *n_r);
	}
	return found;
}

static int replace_codes(struct sql_conn *c, uint64_t account_id, const uint8_t (*codes)[SHA256_SIZE], struct err *e)
{
	if (run_with(c, STMT_RECOVERY_CLEAR, account_id, e))
		return -1;
	for (size_t i = 0; i < FACTOR_RECOVERY_CODES; i++) {
		struct sql_stmt *st = sql_use(c, STMT_RECOVERY_ADD);

		sql_bind_u64(st, account_id);
		sql_bind_blob(st, codes[i], SHA256_SIZE);
		if (sql_run(st, e) != SQL_DONE)
			return -1;
	}
	return 0;
}

/* Of two who confirm the same secret one gets it. 1, 0, -1. */
static int take_enrolment(struct sql_conn *c, const struct enrolment *x, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_ENROLMENT_TAKE);

	sql_bind_u64(st, x->account_id);
	sql_bind_blob(st, x->sealed, x->sealed_length);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	return sql_changed(c) > 0;
}

int meta_enrolment_finish(struct meta *m, const struct enrolment *x, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	int taken = take_enrolment(c, x, e);

	if (taken <= 0)
		return taken;
	struct sql_stmt *st = sql_use(c, STMT_FACTOR_SET);

	sql_bind_blob(st, x->sealed, x->sealed_length);
	sql_bind_u64(st, x->step);
	sql_bind_u64(st, x->account_id);
	if (sql_run(st, e) != SQL_DONE || replace_codes(c, x->account_id, x->codes, e) ||
		keep_session(c, x->account_id, x->keep, e))
		return -1;
	return sql_commit(c, e) ? -1 : 1;
}

/* ---- recovery codes ---- */

int meta_recovery_replace(struct meta *m, uint64_t account_id, const uint8_t (*codes)[SHA256_SIZE], struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e) || replace_codes(c, account_id, codes, e))
		return -1;
	return sql_commit(c, e);
}

int meta_recovery_use(struct meta *m, uint64_t account_id, const uint8_t hash[SHA256_SIZE], int64_t now_us, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(m->control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	struct sql_stmt *st = sql_use(c, STMT_RECOVERY_USE);

	sql_bind_i64(st, now_us);
	sql_bind_u64(st, account_id);
	sql_bind_blob(st, hash, SHA256_SIZE);
	if (sql_run(st, e) != SQL_DONE)
		return -1;
	if (sql_changed(c) == 0)
		return 0;
	if (run_with(c, STMT_TRIES_CLEAR, account_id, e))
		return -1;
	return sql_commit(c, e) ? -1 : 1;
}
