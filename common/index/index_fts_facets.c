/* Facets of the embedded index: the rows of a plan, newest first, each read once. */
#include "index/facets.h"
#include "index/index_fts.h"
#include "index/index_fts_walk.h"
#include "index/mailbox_digest.h"

#include "base/clock.h"
#include "base/pack.h"

#include <string.h>

#define COUNTS_A_CLOCK 64

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

static void tally_list(struct tally *t, struct unpack *u)
{
	uint32_t count = unpack_u32(u);

	for (uint32_t i = 0; i < count && !u->failed; i++) {
		size_t n;
		const uint8_t *at = unpack_bytes(u, &n);

		if (at && t)
			tally_add(t, (const char *)at, n);
	}
}

/* ---- groups ---- */

/* A mailbox of a group, to be found by its digest. */
struct member {
	uint8_t digest[MAILBOX_DIGEST_SIZE];
	size_t group;
};

struct counting {
	const struct index_facets_request *request;
	struct tally tallies[FACETS];
	struct member *members; /* sorted by digest */
	size_t member_count;
	uint64_t *group_counts, *group_seen; /* by group: messages; the last one that counted */
	uint64_t messages;
};

static int compare_members(const void *a, const void *b)
{
	return memcmp(((const struct member *)a)->digest, ((const struct member *)b)->digest, MAILBOX_DIGEST_SIZE);
}

static bool wants(const struct counting *c, enum index_facet f)
{
	return c->request->wanted & 1u << f;
}

static void prepare_groups(struct counting *c)
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
static size_t find_member(const struct counting *c, const uint8_t *digest)
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

/* c->messages is this one's number. */
static void count_groups(struct counting *c, const uint8_t *mailboxes, size_t n)
{
	for (; n >= MAILBOX_DIGEST_SIZE; mailboxes += MAILBOX_DIGEST_SIZE, n -= MAILBOX_DIGEST_SIZE)
		for (size_t i = find_member(c, mailboxes);
			i < c->member_count && memcmp(c->members[i].digest, mailboxes, MAILBOX_DIGEST_SIZE) == 0; i++) {
			size_t g = c->members[i].group;

			c->group_counts[g] += c->group_seen[g] != c->messages;
			c->group_seen[g] = c->messages;
		}
}

/* ---- the walk ---- */

static int count_row(struct counting *c, struct fts_db *db, int64_t row, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_FACETS, e);
	char month[FACETS_MONTH_SIZE];

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, row);
	int rc = sqlite3_step(s);

	if (rc != SQLITE_ROW) { /* every row of the words has one */
		sqlite3_reset(s);
		return rc == SQLITE_DONE ? fts_db_missing(db, e) : fts_db_fail(db, "search", e);
	}
	c->messages++;
	struct unpack u = UNPACK_INIT(sqlite3_column_blob(s, 2), sqlite3_column_bytes(s, 2));

	tally_list(wants(c, FACET_SENDER) ? &c->tallies[FACET_SENDER] : NULL, &u);
	tally_list(wants(c, FACET_ATTACHMENT_TYPE) ? &c->tallies[FACET_ATTACHMENT_TYPE] : NULL, &u);
	if (wants(c, FACET_MONTH))
		tally_add(&c->tallies[FACET_MONTH], facets_month(month, sqlite3_column_int64(s, 0)), FACETS_MONTH_SIZE - 1);
	if (c->member_count)
		count_groups(c, sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1));
	sqlite3_reset(s);
	return 0;
}

static bool is_over(const struct counting *c, int64_t until_us)
{
	if (c->messages >= INDEX_FACETS_MAX)
		return true;
	return until_us && c->messages >= INDEX_FACETS_SURE && c->messages % COUNTS_A_CLOCK == 0 &&
		clock_monotonic_us() > until_us;
}

/* *whole_r: every row was counted. */
static int count_rows(struct counting *c, struct fts_walk *w, int64_t until_us, bool *whole_r, struct err *e)
{
	int64_t bound = INT64_MAX, row;
	int rc;

	while ((rc = fts_walk_next(w, bound, &row, e)) > 0) {
		if (is_over(c, until_us))
			break;
		if (count_row(c, w->db, row, e))
			return -1;
		bound = row - 1;
	}
	*whole_r = rc == 0;
	return rc < 0 ? -1 : 0;
}

static int count_plan(struct counting *c, struct fts_db *db, const struct scope *scope, bool *whole_r, struct err *e)
{
	const struct index_facets_request *r = c->request;
	int64_t until_us = r->time_us ? clock_monotonic_us() + r->time_us : 0;
	CLEANUP(fts_plan_freep) struct fts_plan *plan = NULL;
	struct fts_walk walk;

	if (fts_plan_make(&plan, r->query, scope, db->tokenizer, db, e))
		return -1;
	fts_walk_init(&walk, db, plan, scope);
	int rc = count_rows(c, &walk, until_us, whole_r, e);

	fts_walk_deinit(&walk);
	return rc;
}

/* In one read transaction, so that all counts are of one moment. */
static int count_within(struct counting *c, struct fts_db *db, const struct scope *scope, bool *whole_r, struct err *e)
{
	struct err ignored;

	if (fts_db_run(db, SQL_BEGIN, e))
		return -1;
	int rc = count_plan(c, db, scope, whole_r, e);

	if (fts_db_run(db, SQL_ROLLBACK, rc ? &ignored : e))
		rc = -1;
	return rc;
}

/* ---- the answer ---- */

/* Empties the tallies. */
static void answer(struct counting *c, bool whole, struct index_facets *f_r)
{
	for (enum index_facet f = 0; f < FACETS; f++) {
		facets_take(&c->tallies[f], f, &f_r->of[f]);
		f_r->of[f].exact = whole;
	}
	if (wants(c, FACET_DEPARTMENT))
		facets_take_groups(c->request, c->group_counts, &f_r->of[FACET_DEPARTMENT]);
}

static void counting_deinit(struct counting *c)
{
	free(c->members);
	free(c->group_counts);
	free(c->group_seen);
}

int fts_facets(struct index *i, const struct scope *scope, const struct index_facets_request *r, struct index_facets *f_r,
	struct err *e)
{
	CLEANUP(counting_deinit) struct counting c = { .request = r };
	struct fts *f = fts_of(i);
	struct fts_db *db;
	bool whole = false;

	prepare_groups(&c);
	int rc = fts_reader_get(&db, f, e);

	if (rc == 0) {
		rc = count_within(&c, db, scope, &whole, e);
		fts_reader_put(f, db, rc == 0);
	}
	answer(&c, whole, f_r);
	if (rc)
		e->class = ERR_TEMPORARY; /* a damaged index is not the searcher's fault, and will be mended */
	return rc;
}
