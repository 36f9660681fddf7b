#include "meta/coverage.h"

#include <string.h>

/* How many are held at a time while messages of several mailboxes are told apart: 24 MiB. */
#ifndef SIGHTINGS_MAX
#define SIGHTINGS_MAX ((size_t)1 << 20)
#endif

/* A message seen in a mailbox. */
struct sighting {
	int64_t date_us;
	struct uuid id;
};

struct sightings {
	struct sighting *items;
	size_t n, max;
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
	const struct sighting *x = a, *y = b;

	if (x->date_us != y->date_us)
		return x->date_us < y->date_us ? -1 : 1;
	return memcmp(&x->id, &y->id, sizeof(x->id));
}

static void sort(struct sightings *s)
{
	qsort(s->items, s->n, sizeof(*s->items), by_date_and_id);
}

static uint64_t count_distinct(struct sightings *s)
{
	uint64_t distinct = s->n > 0;

	sort(s);
	for (size_t i = 1; i < s->n; i++)
		distinct += by_date_and_id(&s->items[i - 1], &s->items[i]) != 0;
	return distinct;
}

/* Adds a mailbox's messages of the range. 1; 0 when there is no room; -1. */
static int collect(struct sql_conn *c, const char *mailbox, const struct range *range, struct sightings *s, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MAILBOX_LIST);
	enum sql_result step;

	sql_bind_text(st, mailbox);
	sql_bind_i64(st, range->from_us);
	sql_bind_i64(st, range->until_us);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		if (s->n == s->max)
			return 0;
		s->items[s->n].date_us = sql_get_i64(st);
		sql_get_uuid(st, &s->items[s->n].id);
		s->n++;
	}
	return step == SQL_DONE ? 1 : -1;
}

static int collect_all(struct sql_conn *c, const struct strv *mailboxes, const struct range *range, struct sightings *s,
	struct err *e)
{
	int more = 1;

	s->n = 0;
	for (size_t i = 0; more > 0 && i < mailboxes->n; i++)
		more = collect(c, mailboxes->items[i], range, s, e);
	return more;
}

/* Ends the range at the middle one of what was seen of it; where all of that has one date, makes room for more. */
static void shorten(struct range *range, struct sightings *s)
{
	sort(s);
	int64_t middle = s->items[s->n / 2].date_us;

	if (middle > range->from_us) {
		range->until_us = middle;
	} else if (range->until_us > middle + 1) {
		range->until_us = middle + 1;
	} else {
		s->max *= 2;
		s->items = mem_realloc(s->items, s->max, sizeof(*s->items));
	}
}

static void sightings_deinit(struct sightings *s)
{
	free(s->items);
}

/* Takes the range in pieces that fit: a message has one date, so what is counted in one piece is in no other. */
static int count_mailboxes(struct sql_conn *c, const struct strv *mailboxes, struct range rest, uint64_t *n_r,
	struct err *e)
{
	CLEANUP(sightings_deinit) struct sightings s = { MEM_ARRAY(struct sighting, SIGHTINGS_MAX), 0, SIGHTINGS_MAX };

	for (*n_r = 0; rest.from_us < rest.until_us;) {
		struct range piece = rest;
		int fits;

		while ((fits = collect_all(c, mailboxes, &piece, &s, e)) == 0)
			shorten(&piece, &s);
		if (fits < 0)
			return -1;
		*n_r += count_distinct(&s);
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
