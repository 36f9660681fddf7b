/* search_bare_fts: a search by SQL, through SQLite on the file of the embedded index. It finds the page and the texts that its
 * snippets are made of, and counts by the same rules as fts_search(); values of facets in one pass with that, by a join, in a
 * table of hashes. */
#ifndef BENCH_SEARCH_BARE_FTS_H
#define BENCH_SEARCH_BARE_FTS_H

#include "search_question.h"

#include "base/clock.h"
#include "base/pack.h"
#include "index/index_fts_plan.h"

#define VALUES 8192 /* places for senders and types, more than there are */
#define MONTHS (12 * 100)

static _Thread_local struct value {
	char text[64];
	uint64_t count;
} values[2][VALUES];
static _Thread_local struct value *found[2][VALUES]; /* those of them that came */
static _Thread_local size_t found_n[2];
static _Thread_local uint64_t months[MONTHS];

static inline void open_bare_fts(struct investigator *v, const char *path)
{
	static const char matches[] = "SELECT words.rowid, date_us, facets FROM words JOIN doc ON doc.row = words.rowid "
		"WHERE words MATCH ?1 AND words.rowid BETWEEN ?2 AND ?3 ORDER BY words.rowid DESC";
	struct err e;

	if (fts_db_open(&v->db, path, FTS_READ, &e))
		die("open", e.text);
	if (sqlite3_prepare_v2(v->db->sql, matches, -1, &v->facets, NULL) != SQLITE_OK)
		die("open", sqlite3_errmsg(v->db->sql));
}

static inline sqlite3_stmt *begin_match(struct investigator *v, const struct fts_plan *p, bool facets)
{
	_free_ char *text = p->match.must.text ? fts_match_text(&p->match) : NULL;
	struct err e;
	sqlite3_stmt *s = facets ? v->facets : fts_db_statement(v->db, SQL_MATCH_ALL, &e);

	if (!s || p->kind != PLAN_LEAF || p->check_members || !text)
		die("bare", s ? "the question is not one statement" : e.text);
	sqlite3_reset(s);
	sqlite3_bind_text(s, 1, text, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 2, p->low);
	sqlite3_bind_int64(s, 3, p->high);
	return s;
}

/* ---- facets ---- */

static inline void count_value(int kind, const uint8_t *text, size_t n)
{
	struct value *list = values[kind];
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ text[i]) * 16777619u;
	struct value *place = &list[hash % VALUES];

	while (place->count && (memcmp(place->text, text, n) != 0 || place->text[n]))
		place = place == &list[VALUES - 1] ? list : place + 1;
	if (!place->count++) {
		snprintf(place->text, sizeof(place->text), "%.*s", (int)n, (const char *)text);
		found[kind][found_n[kind]++] = place;
	}
}

static inline void count_values(sqlite3_stmt *s)
{
	struct unpack u = UNPACK_INIT(sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2));
	time_t date = (time_t)(sqlite3_column_int64(s, 1) / CLOCK_SECOND);
	struct tm t;

	gmtime_r(&date, &t);
	months[(unsigned)(12 * t.tm_year + t.tm_mon) % MONTHS]++;
	for (int k = 0; k < 2; k++)
		for (uint32_t left = unpack_u32(&u); left; left--) {
			size_t n;
			const uint8_t *text = unpack_bytes(&u, &n);

			if (text && n < sizeof(values[k]->text))
				count_value(k, text, n);
		}
}

static inline int compare_values(const void *a, const void *b)
{
	const struct value *x = *(struct value *const *)a, *y = *(struct value *const *)b;

	return (x->count < y->count) - (x->count > y->count);
}

/* The most frequent come first; then all is as before. */
static inline void end_values(void)
{
	for (int k = 0; k < 2; k++) {
		qsort(found[k], found_n[k], sizeof(*found[k]), compare_values);
		while (found_n[k])
			*found[k][--found_n[k]] = (struct value){ 0 };
	}
	memset(months, 0, sizeof(months));
}

/* ---- a page ---- */

/* As far as fts_search() counts: to the end, or as far as the time goes, but for what is sure. */
static inline bool is_enough(uint64_t n, uint64_t sure, uint64_t max, int64_t until_us)
{
	return n > max || (n > sure && n % 64 == 0 && clock_monotonic_us() > until_us);
}

static inline void walk(struct investigator *v, const struct fts_plan *p, bool facets, struct outcome *o, int64_t rows[PAGE + 1], size_t *n_r)
{
	sqlite3_stmt *s = begin_match(v, p, facets);
	int64_t began_us = clock_monotonic_us();
	bool enough = false;
	size_t n = 0;

	while ((!enough || n <= PAGE) && sqlite3_step(s) == SQLITE_ROW) {
		int64_t row = sqlite3_column_int64(s, 0);

		if (row < o->before && n <= PAGE)
			rows[n++] = row;
		if (enough)
			continue;
		o->counted++;
		if (facets)
			count_values(s);
		enough = facets ? is_enough(o->counted, INDEX_FACETS_SURE, INDEX_FACETS_MAX, began_us + INDEX_FACETS_US) :
				  is_enough(o->counted, INDEX_COUNT_SURE, INDEX_COUNT_MAX, began_us + INDEX_COUNT_US);
	}
	sqlite3_reset(s);
	if (facets)
		end_values();
	*n_r = n;
}

static inline void read_texts(struct investigator *v, const int64_t *rows, size_t n, struct outcome *o)
{
	struct err e;

	for (size_t i = 0; i < n; i++) {
		sqlite3_stmt *s = fts_db_statement(v->db, SQL_HIT, &e);

		if (!s)
			die("bare", e.text);
		sqlite3_bind_int64(s, 1, rows[i]);
		if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_bytes(s, 0) == UUID_SIZE && sqlite3_column_text(s, 1) &&
			sqlite3_column_text(s, 2))
			o->hits++;
		sqlite3_reset(s);
	}
}

static inline void ask_bare_fts(struct investigator *v, const char *text, bool facets, struct outcome *o)
{
	CLEANUP(fts_plan_freep) struct fts_plan *p = NULL;
	CLEANUP(query_freep) struct query *q = NULL;
	struct query_error error;
	int64_t rows[PAGE + 1];
	struct err e;
	size_t n;

	if (!o->before)
		o->before = INT64_MAX;
	if (query_parse(&q, text, &error) || fts_plan_make(&p, q, v->scope, v->db->tokenizer, v->db, &e) ||
		fts_db_run(v->db, SQL_BEGIN, &e))
		die("bare", text);
	walk(v, p, facets, o, rows, &n);
	o->more = n > PAGE;
	n = o->more ? PAGE : n;
	read_texts(v, rows, n, o);
	if (o->more)
		o->before = rows[n - 1];
	if (fts_db_run(v->db, SQL_ROLLBACK, &e))
		die("bare", e.text);
}

#endif
