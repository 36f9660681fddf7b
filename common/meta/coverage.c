#include "meta/coverage.h"

#include <string.h>

/* Messages held at a time while those of several mailboxes are told apart: 24 MiB. */
#define SEEN_MAX (1u << 20)

struct seen {
	int64_t date_us;
	struct uuid id;
};

struct range {
	int64_t from_us, until_us;
};

static bool is_open(const struct scope *s)
{
	return scope_from_us(s) == INT64_MIN && scope_until_us(s) == INT64_MAX;
}

static int count_range(struct sql_stmt *st, const struct range *range, uint64_t *n_r, struct err *e)
{
	sql_bind_i64(st, range->from_us);
	sql_bind_i64(st, range->until_us);
	return sql_number(st, n_r, e);
}

/* ---- several mailboxes ---- */

static int by_date_and_id(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->date_us != y->date_us)
		return x->date_us < y->date_us ? -1 : 1;
	return memcmp(&x->id, &y->id, sizeof(x->id));
}

static uint64_t count_distinct(struct seen *seen, size_t n)
{
	uint64_t distinct = n > 0;

	qsort(seen, n, sizeof(*seen), by_date_and_id);
	for (size_t i = 1; i < n; i++)
		distinct += by_date_and_id(&seen[i - 1], &seen[i]) != 0;
	return distinct;
}

/* Adds a mailbox's messages of the range to seen. 1; 0 when it is full; -1. */
static int collect(struct sql_conn *c, const char *mailbox, const struct range *range, struct seen *seen, size_t *n,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MAILBOX_LIST);
	enum sql_result step;

	sql_bind_text(st, mailbox);
	sql_bind_i64(st, range->from_us);
	sql_bind_i64(st, range->until_us);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		if (*n == SEEN_MAX)
			return 0;
		seen[*n].date_us = sql_get_i64(st);
		sql_get_uuid(st, &seen[*n].id);
		++*n;
	}
	return step == SQL_DONE ? 1 : -1;
}

static int collect_all(struct sql_conn *c, const struct strv *mailboxes, const struct range *range, struct seen *seen,
	size_t *n, struct err *e)
{
	int more = 1;

	*n = 0;
	for (size_t i = 0; more > 0 && i < mailboxes->n; i++)
		more = collect(c, mailboxes->items[i], range, seen, n, e);
	return more;
}

/* Takes the range in pieces that fit: a message has one date, so what is counted in one piece is in no other. */
static int count_mailboxes(struct sql_conn *c, const struct strv *mailboxes, struct range rest, uint64_t *n_r,
	struct err *e)
{
	_free_ struct seen *seen = MEM_ARRAY(struct seen, SEEN_MAX);
	struct range piece = rest;
	size_t n;

	for (*n_r = 0; rest.from_us < rest.until_us; piece = rest) {
		int fits;

		while ((fits = collect_all(c, mailboxes, &piece, seen, &n, e)) == 0) {
			qsort(seen, n, sizeof(*seen), by_date_and_id);
			piece.until_us = seen[n / 2].date_us;
			if (piece.until_us <= piece.from_us)
				piece.until_us = piece.from_us + 1;
		}
		if (fits < 0)
			return -1;
		*n_r += count_distinct(seen, n);
		rest.from_us = piece.until_us;
	}
	return 0;
}

int coverage_archived(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, struct err *e)
{
	const struct strv *mailboxes = scope_mailboxes(scope);
	struct range range = { scope_from_us(scope), scope_until_us(scope) };
	struct sql_stmt *st;

	if (scope_is_all(scope))
		return is_open(scope) ? sql_number(sql_use(c, STMT_MESSAGE_COUNT), n_r, e) :
					count_range(sql_use(c, STMT_MESSAGE_COUNT_RANGE), &range, n_r, e);
	if (mailboxes->n != 1)
		return count_mailboxes(c, mailboxes, range, n_r, e);
	st = sql_use(c, STMT_MAILBOX_COUNT);
	sql_bind_text(st, mailboxes->items[0]);
	return count_range(st, &range, n_r, e);
}

/* ---- the outbox ---- */

/* The outbox is short, so its messages are looked at one by one. */
static int count_waiting(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_OUTBOX_PARTICIPANTS);
	struct uuid id, counted = { 0 };
	enum sql_result step;

	*n_r = 0;
	while ((step = sql_step(st, e)) == SQL_ROW) {
		sql_get_uuid(st, &id);
		int64_t date_us = sql_get_i64(st);
		struct participant p = { .role = (enum participant_role)sql_get_i64(st), .normal = sql_get_text(st) };

		if (memcmp(&id, &counted, sizeof(id)) != 0 && scope_covers(scope, date_us, &p, 1)) {
			counted = id;
			++*n_r;
		}
		free(p.normal);
	}
	return step == SQL_DONE ? 0 : -1;
}

int coverage_waiting(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, struct err *e)
{
	struct range range = { scope_from_us(scope), scope_until_us(scope) };

	if (!scope_is_all(scope))
		return count_waiting(c, scope, n_r, e);
	return is_open(scope) ? sql_number(sql_use(c, STMT_OUTBOX_COUNT), n_r, e) :
				count_range(sql_use(c, STMT_OUTBOX_COUNT_RANGE), &range, n_r, e);
}
