#include "meta/coverage.h"

#include <string.h>

#define SIGHTINGS_FIRST 4096 /* places, of which a half is used: enough for the scopes that are counted at every search */

/* How many are held at a time while messages of several mailboxes are told apart: up to 48 MiB. */
#ifndef SIGHTINGS_MAX
#define SIGHTINGS_MAX ((size_t)1 << 20)
#endif

/* A message seen in a mailbox; all zero where a place of the table is free. */
struct sighting {
	struct uuid id;
	int64_t date_us;
};

/* A hash table of them, each once; at most half of it is used. */
struct sightings {
	struct sighting *places;
	size_t n, size, max; /* size: places, a power of two; n never passes max */
};

struct range {
	int64_t from_us, until_us;
};

/* While the index is down the outbox grows without bounds: when it is longer than this the mailboxes are gone through. */
#ifndef SHORT_OUTBOX
#define SHORT_OUTBOX 10000
#endif

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

/* The place of this id, or the free one where it belongs. The last bytes of an id are random. */
static struct sighting *find_place(const struct sightings *s, const struct uuid *id)
{
	static const struct uuid none;
	uint32_t hash;

	memcpy(&hash, id->bytes + UUID_SIZE - sizeof(hash), sizeof(hash));
	for (size_t at = hash & (s->size - 1);; at = (at + 1) & (s->size - 1)) {
		struct sighting *place = &s->places[at];

		if (memcmp(&place->id, id, sizeof(*id)) == 0 ||
			memcmp(&place->id, &none, sizeof(none)) == 0)
			return place;
	}
}

static void enlarge(struct sightings *s)
{
	struct sightings larger = { MEM_ARRAY(struct sighting, 2 * s->size), s->n, 2 * s->size,
		s->max };
	static const struct uuid none;

	for (size_t i = 0; i < s->size; i++)
		if (memcmp(&s->places[i].id, &none, sizeof(none)) != 0)
			*find_place(&larger, &s->places[i].id) = s->places[i];
	free(s->places);
	*s = larger;
}

/* false when there is no room for it. */
static bool note(struct sightings *s, const struct sighting *seen)
{
	struct sighting *place = find_place(s, &seen->id);

	if (memcmp(&place->id, &seen->id, sizeof(seen->id)) == 0)
		return true;
	if (s->n == s->max)
		return false;
	*place = *seen;
	if (++s->n > s->size / 2)
		enlarge(s);
	return true;
}

/* Notes a mailbox's messages of the range, as the statement lists them. 1; 0 when there is no room; -1. */
static int collect(struct sql_conn *c, enum statement list, const char *mailbox, const struct range *range,
	struct sightings *s, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, list);
	struct sighting seen;
	enum sql_result step;

	sql_bind_text(st, mailbox);
	sql_bind_i64(st, range->from_us);
	sql_bind_i64(st, range->until_us);
	while ((step = sql_step(st, e)) == SQL_ROW) {
		seen.date_us = sql_get_i64(st);
		sql_get_uuid(st, &seen.id);
		if (!note(s, &seen))
			return 0;
	}
	return step == SQL_DONE ? 1 : -1;
}

static int collect_all(struct sql_conn *c, enum statement list, const struct strv *mailboxes, const struct range *range,
	struct sightings *s, struct err *e)
{
	int more = 1;

	memset(s->places, 0, s->size * sizeof(*s->places));
	s->n = 0;
	for (size_t i = 0; more > 0 && i < mailboxes->n; i++)
		more = collect(c, list, mailboxes->items[i], range, s, e);
	return more;
}

static int compare_dates(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t middle_date(const struct sightings *s)
{
	_free_ int64_t *dates = MEM_ARRAY(int64_t, s->n);
	static const struct uuid none;
	size_t n = 0;

	for (size_t i = 0; i < s->size; i++)
		if (memcmp(&s->places[i].id, &none, sizeof(none)) != 0)
			dates[n++] = s->places[i].date_us;
	qsort(dates, n, sizeof(*dates), compare_dates);
	return dates[n / 2];
}

/* Ends the range at the middle of what was seen of it; where all of that has one date, makes room for more. */
static void shorten(struct range *range, struct sightings *s)
{
	int64_t middle = middle_date(s);

	if (middle > range->from_us)
		range->until_us = middle;
	else if (range->until_us > middle + 1)
		range->until_us = middle + 1;
	else
		s->max *= 2;
}

static void sightings_deinit(struct sightings *s)
{
	free(s->places);
}

/* Takes the range in pieces that fit: a message has one date, so what is counted in one piece is in no other. */
static int count_mailboxes(struct sql_conn *c, enum statement list, const struct strv *mailboxes, struct range rest,
	uint64_t *n_r, struct err *e)
{
	CLEANUP(sightings_deinit) struct sightings s = { MEM_ARRAY(struct sighting, SIGHTINGS_FIRST), 0, SIGHTINGS_FIRST,
		SIGHTINGS_MAX };

	for (*n_r = 0; rest.from_us < rest.until_us;) {
		struct range piece = rest;
		int fits;

		while ((fits = collect_all(c, list, mailboxes, &piece, &s, e)) == 0)
			shorten(&piece, &s);
		if (fits < 0)
			return -1;
		*n_r += s.n;
		rest.from_us = piece.until_us;
	}
	return 0;
}

bool coverage_is_few(const struct sql_conn *c, const struct scope *scope)
{
	size_t n = scope_mailboxes(scope)->n;

	return sql_is_server(c) && !scope_is_all(scope) && n && n <= MAILBOXES_AT_ONCE;
}

int coverage_few(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, bool *waiting_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MAILBOXES_COUNT);
	const struct strv *mailboxes = scope_mailboxes(scope);

	for (size_t i = 0; i < MAILBOXES_AT_ONCE; i++)
		sql_bind_text(st, mailboxes->items[i < mailboxes->n ? i : 0]); /* one that is named again counts once */
	sql_bind_i64(st, scope_from_us(scope));
	sql_bind_i64(st, scope_until_us(scope));
	if (sql_find(st, e) < 0)
		return -1;
	*n_r = sql_get_u64(st);
	*waiting_r = sql_get_u64(st) != 0;
	return 0;
}

static int count_all(struct sql_conn *c, uint64_t *n_r, struct err *e)
{
	uint64_t gone;

	if (sql_number(sql_use(c, STMT_MESSAGE_COUNT), n_r, e) || sql_number(sql_use(c, STMT_DISPOSED_COUNT), &gone, e))
		return -1;
	*n_r -= gone < *n_r ? gone : *n_r;
	return 0;
}

int coverage_archived(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, struct err *e)
{
	const struct strv *mailboxes = scope_mailboxes(scope);
	struct range range = { scope_from_us(scope), scope_until_us(scope) };
	struct sql_stmt *st;
	bool waiting;

	if (coverage_is_few(c, scope))
		return coverage_few(c, scope, n_r, &waiting, e);
	if (scope_is_all(scope) && is_open(scope))
		return count_all(c, n_r, e);
	if (scope_is_all(scope))
		return count_range(sql_use(c, STMT_MESSAGE_COUNT_RANGE), &range, n_r, e);
	if (mailboxes->n != 1)
		return count_mailboxes(c, STMT_MAILBOX_LIST, mailboxes, range, n_r, e);
	st = sql_use(c, STMT_MAILBOX_COUNT);
	sql_bind_text(st, mailboxes->items[0]);
	return count_range(st, &range, n_r, e);
}

/* ---- the outbox ---- */

/* 1, 0, -1. */
static int is_short(struct sql_conn *c, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_OUTBOX_COUNT_SOME);
	uint64_t n;

	sql_bind_u64(st, SHORT_OUTBOX + 1);
	return sql_number(st, &n, e) ? -1 : n <= SHORT_OUTBOX;
}

/* Looks at its messages one by one. */
static int count_on_outbox(struct sql_conn *c, const struct scope *scope, uint64_t *n_r,
	struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_OUTBOX_PARTICIPANTS);
	struct uuid id, counted = { 0 };
	enum sql_result step;

	*n_r = 0;
	while ((step = sql_step(st, e)) == SQL_ROW) {
		sql_get_uuid(st, &id);
		int64_t date_us = sql_get_i64(st);
		struct participant p = { .role = (enum participant_role)sql_get_i64(st),
			.normal = sql_get_text(st) };

		if (memcmp(&id, &counted, sizeof(id)) != 0 && scope_covers(scope, date_us, &p, 1)) {
			counted = id;
			++*n_r;
		}
		free(p.normal);
	}
	return step == SQL_DONE ? 0 : -1;
}

static int mailboxes_waiting(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, struct err *e)
{
	struct range range = { scope_from_us(scope), scope_until_us(scope) };
	int few = is_short(c, e);

	if (few)
		return few < 0 ? -1 : count_on_outbox(c, scope, n_r, e);
	return count_mailboxes(c, STMT_MAILBOX_WAITING, scope_mailboxes(scope), range, n_r, e);
}

int coverage_waiting(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, struct err *e)
{
	struct range range = { scope_from_us(scope), scope_until_us(scope) };

	if (!scope_is_all(scope))
		return mailboxes_waiting(c, scope, n_r, e);
	if (is_open(scope))
		return sql_number(sql_use(c, STMT_OUTBOX_COUNT), n_r, e);
	return count_range(sql_use(c, STMT_OUTBOX_COUNT_RANGE), &range, n_r, e);
}
