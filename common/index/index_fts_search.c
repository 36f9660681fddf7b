#include "index/index_fts.h"

#include "base/clock.h"
#include "index/index_fts_facets.h"
#include "index/index_fts_row.h"
#include "index/index_fts_walk.h"
#include "index/marks.h"

#include <string.h>

/* ---- a page ---- */

static void take_links(sqlite3_stmt *s, struct index_hit *hit)
{
	const void *links = sqlite3_column_blob(s, 1);

	hit->link_count = (size_t)sqlite3_column_bytes(s, 1) / sizeof(struct link);
	hit->links = mem_dup(links ? links : "", hit->link_count * sizeof(struct link));
}

static void take_snippet(struct fts_db *db, sqlite3_stmt *s, const struct marks *m, struct index_hit *hit)
{
	const char *subject = (const char *)sqlite3_column_text(s, 1), *body = (const char *)sqlite3_column_text(s, 2);

	hit->snippet = marks_snippet(m, db->tokenizer, subject ? subject : "", body ? body : "");
}

static int read_hit(struct fts_db *db, int64_t row, const struct marks *m, bool links, struct index_hit *hit_r, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, links ? SQL_LINKS : SQL_HIT, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, row);
	if (sqlite3_step(s) != SQLITE_ROW || sqlite3_column_bytes(s, 0) != UUID_SIZE) {
		sqlite3_reset(s);
		return fts_db_missing(db, e);
	}
	memcpy(hit_r->id.bytes, sqlite3_column_blob(s, 0), UUID_SIZE);
	if (links)
		take_links(s, hit_r);
	else
		take_snippet(db, s, m, hit_r);
	sqlite3_reset(s);
	return 0;
}

#define COUNTS_A_CLOCK 64

/* The rows of the page (one more than its limit when there is another page) and the count, in one pass. */
struct rows {
	const struct fts *fts;
	int64_t page[INDEX_PAGE_MAX + 1];
	size_t n;
	uint64_t total;
	bool uncounted;		/* nobody asks for the total */
	bool counted;		/* as far as it goes; the total is not exact then */
	int64_t count_until_us; /* monotonic; 0: there is time */
	struct fts_facets *facets; /* NULL: none, or they failed: facets_error says why */
	struct err facets_error;
};

/* The count costs nothing while others are counted by their values. */
static bool is_faceted(const struct rows *rows)
{
	return !rows->facets || fts_facets_full(rows->facets);
}

static bool is_counted(const struct rows *rows)
{
	if (rows->counted || rows->uncounted || rows->total > INDEX_COUNT_MAX)
		return true;
	return rows->total > INDEX_COUNT_SURE && is_faceted(rows) && rows->count_until_us && rows->total % COUNTS_A_CLOCK == 0 &&
		(fts_is_awaited(rows->fts) || clock_monotonic_us() > rows->count_until_us);
}

/* What can't be counted by its values is shown all the same. */
static void take_row(struct fts_walk *w, int64_t row, int64_t before, size_t limit, struct rows *rows)
{
	rows->total++;
	if (row < before && rows->n <= limit)
		rows->page[rows->n++] = row;
	if (rows->facets && fts_facets_add(rows->facets, w->db, row, &rows->facets_error))
		fts_facets_freep(&rows->facets);
}

static int collect_rows(struct fts_walk *w, int64_t before, size_t limit, struct rows *rows, struct err *e)
{
	int64_t bound = INT64_MAX, row;

	for (;;) {
		rows->counted = is_counted(rows);
		bool done = rows->counted && is_faceted(rows);

		if (done && rows->n > limit)
			return 0;
		if (done && bound >= before)
			bound = before - 1; /* on to the page */
		int rc = fts_walk_next(w, bound, &row, e);

		if (rc <= 0)
			return rc;
		take_row(w, row, before, limit, rows);
		bound = row - 1;
	}
}

/* Counting by values goes on behind the end of the count. */
static uint64_t total_at_least(uint64_t total)
{
	return total < INDEX_COUNT_MAX ? total - total % INDEX_COUNT_SURE : INDEX_COUNT_MAX;
}

static int fill_page(struct fts_db *db, const struct rows *rows, const struct index_request *r, struct index_page *page,
	struct err *e)
{
	CLEANUP(marks_freep) struct marks *m = marks_new(r->query, db->tokenizer);
	size_t n = rows->n < r->limit ? rows->n : r->limit;

	page->total_exact = !rows->counted;
	page->total = rows->counted ? total_at_least(rows->total) : rows->total;
	page->hits = MEM_ARRAY(struct index_hit, n);
	for (; page->n < n; page->n++)
		if (read_hit(db, rows->page[page->n], m, r->links, &page->hits[page->n], e))
			return -1;
	if (rows->n > n) {
		page->next = mem_alloc(FTS_CURSOR_SIZE, 1);
		fts_cursor_format(page->next, rows->page[n - 1]);
	}
	page->has_facets = rows->facets != NULL;
	if (rows->facets)
		fts_facets_take(rows->facets, &page->facets);
	page->facets_error = rows->facets_error;
	return 0;
}

static int search_rows(struct fts_db *db, const struct scope *scope, const struct index_request *r, int64_t before,
	struct rows *rows, struct err *e)
{
	CLEANUP(fts_plan_freep) struct fts_plan *plan = NULL;
	struct fts_walk walk;

	if (fts_plan_make(&plan, r->query, scope, db->tokenizer, db, e))
		return -1;
	fts_walk_init(&walk, db, plan, scope);
	int rc = collect_rows(&walk, before, r->limit, rows, e);

	fts_walk_deinit(&walk);
	if (rows->facets && fts_facets_finish(rows->facets, db, &rows->facets_error))
		fts_facets_freep(&rows->facets);
	return rc;
}

/* In one read transaction, so that the count, the page and its texts are of one moment. */
static int search_within(struct fts *f, struct fts_db *db, const struct scope *scope, const struct index_request *r, int64_t before,
	struct index_page *page_r, struct err *e)
{
	struct rows rows = { .fts = f, .uncounted = r->links, .count_until_us = r->count_us ? clock_monotonic_us() + r->count_us : 0 };
	struct err ignored;

	if (fts_db_run(db, SQL_BEGIN, e))
		return -1;
	if (fts_facets_new(&rows.facets, r->facets, f, db, &rows.facets_error))
		rows.facets = NULL;
	int rc = search_rows(db, scope, r, before, &rows, e);

	if (rc == 0)
		rc = fill_page(db, &rows, r, page_r, e);
	fts_facets_freep(&rows.facets);
	if (fts_db_run(db, SQL_ROLLBACK, rc ? &ignored : e))
		rc = -1;
	return rc;
}

int fts_search(struct index *i, const struct scope *scope, const struct index_request *r, struct index_page *page_r,
	struct err *e)
{
	struct fts *f = fts_of(i);
	int64_t before = INT64_MAX;
	struct fts_db *db;

	if (r->cursor && fts_cursor_parse(&before, r->cursor))
		return err_permanent(e, "index_search failed: not a cursor of this index");
	int rc = fts_reader_get(&db, f, e);

	if (rc == 0) {
		rc = search_within(f, db, scope, r, before, page_r, e);
		fts_reader_put(f, db, rc == 0);
	}
	if (rc)
		e->class = ERR_TEMPORARY; /* a damaged index is not the searcher's fault, and will be mended */
	return rc;
}
