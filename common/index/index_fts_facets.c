#include "index/index_fts_facets.h"

#include "index/facets.h"
#include "index/mailbox_digest.h"

#include "base/clock.h"
#include "base/pack.h"

#include <string.h>

#define BATCH 64 /* rows that are counted together; between two batches the clock is looked at */

/* ---- what stands in a row ---- */

void fts_pack_facets(struct buf *b, const struct index_doc *d)
{
	const struct strv *const lists[] = { d->senders, d->attachment_types };

	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		size_t n = lists[k] ? lists[k]->n : 0;

		if (pack_u32(b, (uint32_t)n))
			abort(); /* the lists are bounded */
		for (size_t i = 0; i < n; i++)
			if (pack_str(b, lists[k]->items[i]))
				abort();
	}
}

static void tally_list(struct tally *t, struct unpack *u, uint64_t times)
{
	uint32_t count = unpack_u32(u);

	for (uint32_t i = 0; i < count && !u->failed; i++) {
		size_t n;
		const uint8_t *at = unpack_bytes(u, &n);

		if (at && t)
			tally_add(t, (const char *)at, n, times);
	}
}

/* ---- groups ---- */

/* A mailbox of a group, to be found by its digest. */
struct member {
	uint8_t digest[MAILBOX_DIGEST_SIZE];
	size_t group;
};

/* How often a text of struct fts_values came, by its number; free while it came not at all. */
struct counter {
	uint32_t number;
	uint64_t count;
};

struct counters {
	struct counter *places; /* a power of two, of which at most a half is used */
	size_t used, size;
};

struct fts_facets {
	const struct index_facets_request *request;
	const struct fts *fts;
	struct fts_values *values;
	int64_t batch[BATCH]; /* rows that wait for being counted */
	size_t batched;
	struct counters months, lists;
	int64_t until_us; /* monotonic; 0: there is time */
	bool full;
	struct tally tallies[FACETS];
	struct facets_month month; /* of the last one */
	struct member *members; /* sorted by digest */
	size_t member_count;
	uint64_t *group_counts, *group_seen; /* by group: messages; the last one that counted */
	uint64_t grouped;		     /* the number of the message whose groups are counted */
	uint64_t messages;		     /* with those that wait */
};

/* ---- by numbers ---- */

static struct counter *counter_of(const struct counters *c, uint32_t number)
{
	size_t at = number & (c->size - 1);

	while (c->places[at].count && c->places[at].number != number)
		at = (at + 1) & (c->size - 1);
	return &c->places[at];
}

static void make_room(struct counters *c)
{
	struct counters larger = { MEM_ARRAY(struct counter, c->size ? 2 * c->size : 2 * BATCH), c->used,
		c->size ? 2 * c->size : 2 * BATCH };

	for (size_t i = 0; i < c->size; i++)
		if (c->places[i].count)
			*counter_of(&larger, c->places[i].number) = c->places[i];
	free(c->places);
	*c = larger;
}

static void count_number(struct counters *c, uint32_t number)
{
	if (2 * (c->used + 1) > c->size)
		make_room(c);
	struct counter *at = counter_of(c, number);

	c->used += !at->count;
	at->number = number;
	at->count++;
}

static int compare_members(const void *a, const void *b)
{
	return memcmp(((const struct member *)a)->digest, ((const struct member *)b)->digest, MAILBOX_DIGEST_SIZE);
}

static bool wants(const struct fts_facets *c, enum index_facet f)
{
	return c->request->wanted & 1u << f;
}

static void prepare_groups(struct fts_facets *c)
{
	const struct index_facets_request *r = c->request;
	size_t n = 0;

	if (!wants(c, FACET_DEPARTMENT))
		return;
	for (size_t g = 0; g < r->group_count; g++)
		n += r->groups[g].mailboxes->n;
	c->members = MEM_ARRAY(struct member, n);
	c->group_counts = MEM_ARRAY(uint64_t, r->group_count);
	c->group_seen = MEM_ARRAY(uint64_t, r->group_count);
	for (size_t g = 0; g < r->group_count; g++)
		for (size_t i = 0; i < r->groups[g].mailboxes->n; i++) {
			struct member *m = &c->members[c->member_count++];

			mailbox_digest(m->digest, r->groups[g].mailboxes->items[i]);
			m->group = g;
		}
	qsort(c->members, n, sizeof(*c->members), compare_members);
}

/* The first member with this digest, or where it would stand. */
static size_t find_member(const struct fts_facets *c, const uint8_t *digest)
{
	size_t low = 0, high = c->member_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(c->members[middle].digest, digest, MAILBOX_DIGEST_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void count_groups(struct fts_facets *c, const uint8_t *mailboxes, size_t n)
{
	for (c->grouped++; n >= MAILBOX_DIGEST_SIZE; mailboxes += MAILBOX_DIGEST_SIZE, n -= MAILBOX_DIGEST_SIZE)
		for (size_t i = find_member(c, mailboxes);
			i < c->member_count && memcmp(c->members[i].digest, mailboxes, MAILBOX_DIGEST_SIZE) == 0; i++) {
			size_t g = c->members[i].group;

			c->group_counts[g] += c->group_seen[g] != c->grouped;
			c->group_seen[g] = c->grouped;
		}
}

/* ---- rows ---- */

static struct tally *wanted_tally(struct fts_facets *c, enum index_facet f)
{
	return wants(c, f) ? &c->tallies[f] : NULL;
}

static void tally_lists(struct fts_facets *c, const void *lists, size_t n, uint64_t times)
{
	struct unpack u = UNPACK_INIT(lists, n);

	tally_list(wanted_tally(c, FACET_SENDER), &u, times);
	tally_list(wanted_tally(c, FACET_ATTACHMENT_TYPE), &u, times);
}

static void tally_month(struct fts_facets *c, const char *month, uint64_t times)
{
	if (wants(c, FACET_MONTH))
		tally_add(&c->tallies[FACET_MONTH], month, FACETS_MONTH_SIZE - 1, times);
}

static void count_value(struct fts_facets *c, struct fts_value value)
{
	count_number(&c->months, value.month);
	count_number(&c->lists, value.lists);
}

/* What is in the row that the statement is at. */
static void count_columns(struct fts_facets *c, sqlite3_stmt *s, int64_t row)
{
	const void *lists = sqlite3_column_blob(s, 2);
	size_t n = (size_t)sqlite3_column_bytes(s, 2);
	struct fts_value value;

	if (c->member_count)
		count_groups(c, sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1));
	facets_month_move(&c->month, sqlite3_column_int64(s, 0));
	if (fts_values_keep(c->values, row, c->month.text, lists, n, &value)) {
		count_value(c, value);
	} else {
		tally_month(c, c->month.text, 1);
		tally_lists(c, lists, n, 1);
	}
}

static int count_row(struct fts_facets *c, struct fts_db *db, int64_t row, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_FACETS, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, row);
	int rc = sqlite3_step(s);

	if (rc != SQLITE_ROW) { /* every row of the words has one */
		sqlite3_reset(s);
		return rc == SQLITE_DONE ? fts_db_missing(db, e) : fts_db_fail(db, "search", e);
	}
	count_columns(c, s, row);
	sqlite3_reset(s);
	return 0;
}

/* Whom a message belongs to stands in its row alone. */
int fts_facets_finish(struct fts_facets *c, struct fts_db *db, struct err *e)
{
	struct fts_value found[BATCH] = { { 0 } };
	size_t n = c->batched;

	c->batched = 0;
	if (!c->member_count)
		fts_values_find(c->values, c->batch, n, found);
	for (size_t i = 0; i < n; i++) {
		if (found[i].lists)
			count_value(c, found[i]);
		else if (count_row(c, db, c->batch[i], e))
			return -1;
	}
	return 0;
}

static bool is_over(const struct fts_facets *c)
{
	if (c->messages >= INDEX_FACETS_MAX)
		return true;
	return c->until_us && c->messages >= INDEX_FACETS_SURE && c->batched == 0 &&
		(fts_is_awaited(c->fts) || clock_monotonic_us() > c->until_us);
}

int fts_facets_add(struct fts_facets *c, struct fts_db *db, int64_t row, struct err *e)
{
	if (c->batched == BATCH && fts_facets_finish(c, db, e))
		return -1;
	c->full = c->full || is_over(c);
	if (c->full)
		return 0;
	c->batch[c->batched++] = row;
	c->messages++;
	return 0;
}

bool fts_facets_full(const struct fts_facets *c)
{
	return c->full;
}

/* ---- all of it ---- */

int fts_facets_new(struct fts_facets **facets_r, const struct index_facets_request *r, struct fts *f, struct fts_db *db, struct err *e)
{
	struct fts_values *values;

	*facets_r = NULL;
	if (!r)
		return 0;
	if (fts_values_take(&values, &f->values, db, e))
		return -1;
	struct fts_facets *c = *facets_r = MEM_NEW(struct fts_facets);

	c->request = r;
	c->fts = f;
	c->values = values;
	c->until_us = r->time_us ? clock_monotonic_us() + r->time_us : 0;
	prepare_groups(c);
	return 0;
}

static void tally_counters(struct fts_facets *c)
{
	const void *text;
	size_t n;

	for (size_t i = 0; i < c->lists.size; i++)
		if (c->lists.places[i].count) {
			text = fts_values_text(c->values, c->lists.places[i].number, &n);
			tally_lists(c, text, n, c->lists.places[i].count);
		}
	for (size_t i = 0; i < c->months.size; i++)
		if (c->months.places[i].count)
			tally_month(c, fts_values_text(c->values, c->months.places[i].number, &n), c->months.places[i].count);
}

void fts_facets_take(struct fts_facets *c, struct index_facets *f_r)
{
	tally_counters(c);
	for (enum index_facet f = 0; f < FACETS; f++) {
		facets_take(&c->tallies[f], f, &f_r->of[f]);
		f_r->of[f].exact = !c->full;
	}
	if (wants(c, FACET_DEPARTMENT))
		facets_take_groups(c->request, c->group_counts, &f_r->of[FACET_DEPARTMENT]);
}

void fts_facets_freep(struct fts_facets **facets)
{
	struct fts_facets *c = *facets;

	*facets = NULL;
	if (!c)
		return;
	for (enum index_facet f = 0; f < FACETS; f++)
		tally_deinit(&c->tallies[f]);
	free(c->members);
	free(c->group_counts);
	free(c->group_seen);
	free(c->months.places);
	free(c->lists.places);
	fts_values_freep(&c->values);
	free(c);
}
