#include "index/index_fts_walk.h"

#include "base/clock.h"
#include "index/index_fts_scope.h"

#include <string.h>

#define STEPS_BEFORE_SEEK 32 /* a new look-up costs about as much */
#define STEPS_A_CLOCK 256
#define CHECKS_BEFORE_DOUBT 2000 /* of candidates for the scope, then ... */
#define CHECKS_A_PASS 8		 /* ... more than so many for one that passes are too many */

static int next(struct fts_walk *w, struct fts_plan *p, int64_t bound, int64_t *row_r, struct err *e);

/* ---- the scope's mailboxes ---- */

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, MAILBOX_DIGEST_SIZE);
}

void fts_walk_init(struct fts_walk *w, struct fts_db *db, struct fts_plan *plan, const struct scope *scope)
{
	const struct strv *list = scope_mailboxes(scope);

	*w = (struct fts_walk){ .db = db, .plan = plan, .deadline_us = clock_monotonic_us() + FTS_SEARCH_US_MAX };
	if (scope_is_all(scope) || list->n <= FTS_SCOPE_FEW)
		return;
	w->members = mem_alloc(list->n, MAILBOX_DIGEST_SIZE);
	w->member_count = list->n;
	for (size_t i = 0; i < list->n; i++)
		mailbox_digest(w->members + i * MAILBOX_DIGEST_SIZE, list->items[i]);
	qsort(w->members, list->n, MAILBOX_DIGEST_SIZE, compare_digests);
}

void fts_walk_deinit(struct fts_walk *w)
{
	free(w->members);
	w->members = NULL;
}

static bool has_member(const struct fts_walk *w, const uint8_t *mailboxes, size_t n)
{
	for (; n >= MAILBOX_DIGEST_SIZE; mailboxes += MAILBOX_DIGEST_SIZE, n -= MAILBOX_DIGEST_SIZE)
		if (bsearch(mailboxes, w->members, w->member_count, MAILBOX_DIGEST_SIZE, compare_digests))
			return true;
	return false;
}

/* ---- leaves ---- */

/* Looking each row up among those that are gone is for where there are any. */
static int look_for_gone(struct fts_walk *w, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(w->db, SQL_ANY_GONE, e);

	if (!s)
		return -1;
	int rc = sqlite3_step(s);

	w->gone = rc == SQLITE_ROW && sqlite3_column_int(s, 0) == 0 ? GONE_NONE : GONE_SOME;
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 0 : fts_db_fail(w->db, "search", e);
}

static int prepare(struct fts_walk *w, struct fts_plan *p, bool words, struct err *e)
{
	if (words && w->gone == GONE_UNKNOWN && look_for_gone(w, e))
		return -1;
	p->statement = fts_db_prepare(w->db, !words ? SQL_DOCS : w->gone == GONE_NONE ? SQL_MATCH_ALL : SQL_MATCH, e);
	return p->statement ? 0 : -1;
}

static int start(struct fts_walk *w, struct fts_plan *p, int64_t bound, struct err *e)
{
	bool words = p->match.must.text != NULL;

	if (!p->statement) {
		if (prepare(w, p, words, e))
			return -1;
		_free_ char *text = words ? fts_match_text(&p->match) : NULL;

		if (words)
			sqlite3_bind_text(p->statement, 1, text, -1, SQLITE_TRANSIENT);
		sqlite3_bind_int64(p->statement, 2, p->low);
	}
	sqlite3_reset(p->statement);
	sqlite3_bind_int64(p->statement, 3, bound < p->high ? bound : p->high);
	return 0;
}

static int step(struct fts_walk *w, struct fts_plan *p, struct err *e)
{
	int rc = sqlite3_step(p->statement);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fts_db_fail(w->db, "search", e);
	p->done = rc == SQLITE_DONE;
	if (!p->done)
		p->at = sqlite3_column_int64(p->statement, 0);
	if (++w->steps % STEPS_A_CLOCK == 0 && clock_monotonic_us() > w->deadline_us)
		return err_temporary(e, "search(%s) failed: it took longer than %d s", w->db->path,
			(int)(FTS_SEARCH_US_MAX / CLOCK_SECOND));
	return 0;
}

/* Moves to the leaf's greatest row that is at most bound. */
static int move(struct fts_walk *w, struct fts_plan *p, int64_t bound, struct err *e)
{
	if (!p->statement && (start(w, p, bound, e) || step(w, p, e)))
		return -1;
	for (int steps = 0; !p->done && p->at > bound; steps++) {
		if (steps == STEPS_BEFORE_SEEK && start(w, p, bound, e))
			return -1;
		if (step(w, p, e))
			return -1;
	}
	return 0;
}

/* 1 when the leaf's row passes what its statement does not look at. */
static int check(struct fts_walk *w, const struct fts_plan *p, struct err *e)
{
	bool sizes = p->size_low != INT64_MIN || p->size_high != INT64_MAX;
	bool dates = p->date_low != INT64_MIN || p->date_high != INT64_MAX;

	if (!sizes && !dates && !p->check_members)
		return 1;
	sqlite3_stmt *s = fts_db_statement(w->db, SQL_DOC, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, p->at);
	int rc = sqlite3_step(s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fts_db_fail(w->db, "search", e);
	int64_t size = sqlite3_column_int64(s, 0), date = sqlite3_column_int64(s, 1);
	bool passes = rc == SQLITE_ROW && size >= p->size_low && size < p->size_high && date >= p->date_low &&
		date < p->date_high;

	if (passes && p->check_members)
		passes = has_member(w, sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2));
	sqlite3_reset(s);
	return passes;
}

/* Most candidates lie outside the scope: let FTS5 find those inside, from here on. */
static void narrow_if_dear(struct fts_plan *p)
{
	if (!p->members.must.text || p->checked < CHECKS_BEFORE_DOUBT || p->passed > p->checked / CHECKS_A_PASS)
		return;
	p->match = fts_match_and(p->match, p->members);
	p->members = (struct fts_match){ 0 };
	p->check_members = false;
	sqlite3_finalize(p->statement);
	p->statement = NULL;
}

static int next_of_leaf(struct fts_walk *w, struct fts_plan *p, int64_t bound, int64_t *row_r, struct err *e)
{
	if (p->low > p->high || bound < p->low)
		return 0;
	for (;; bound = p->at - 1) {
		if (move(w, p, bound, e))
			return -1;
		if (p->done)
			return 0;
		int passes = check(w, p, e);

		if (passes < 0)
			return -1;
		p->checked++;
		if (passes) {
			p->passed++;
			*row_r = p->at;
			return 1;
		}
		narrow_if_dear(p);
	}
}

/* ---- operators ---- */

static int next_of_and(struct fts_walk *w, struct fts_plan *p, int64_t bound, int64_t *row_r, struct err *e)
{
	for (;;) {
		int64_t left, right;
		int rc = next(w, p->left, bound, &left, e);

		if (rc > 0)
			rc = next(w, p->right, left, &right, e);
		if (rc <= 0)
			return rc;
		*row_r = bound = right;
		if (right == left)
			return 1;
	}
}

static int next_of_or(struct fts_walk *w, struct fts_plan *p, int64_t bound, int64_t *row_r, struct err *e)
{
	int64_t left = 0, right = 0;
	int has_left = next(w, p->left, bound, &left, e);

	if (has_left < 0)
		return -1;
	int has_right = next(w, p->right, bound, &right, e);

	if (has_right < 0)
		return -1;
	*row_r = has_left && (!has_right || left > right) ? left : right;
	return has_left || has_right;
}

static int next_of_except(struct fts_walk *w, struct fts_plan *p, int64_t bound, int64_t *row_r, struct err *e)
{
	for (;; bound = *row_r - 1) {
		int64_t right;
		int rc = next(w, p->left, bound, row_r, e);

		if (rc <= 0)
			return rc;
		rc = next(w, p->right, *row_r, &right, e);
		if (rc < 0)
			return -1;
		if (!rc || right != *row_r)
			return 1;
	}
}

static int next(struct fts_walk *w, struct fts_plan *p, int64_t bound, int64_t *row_r, struct err *e)
{
	switch (p->kind) {
	case PLAN_LEAF:
		return next_of_leaf(w, p, bound, row_r, e);
	case PLAN_AND:
		return next_of_and(w, p, bound, row_r, e);
	case PLAN_OR:
		return next_of_or(w, p, bound, row_r, e);
	case PLAN_EXCEPT:
		return next_of_except(w, p, bound, row_r, e);
	}
	abort();
}

int fts_walk_next(struct fts_walk *w, int64_t bound, int64_t *row_r, struct err *e)
{
	return next(w, w->plan, bound, row_r, e);
}
