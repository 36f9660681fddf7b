#include "index/index_fts_terms.h"

#include "index/utf8.h"

#include <string.h>

/* A term has a few places. It moves up one whenever it is met and takes the last one when it is
 * new, so what is common stays and what comes once, like a Message-ID, drives out its like
 * alone. */
#define KNOWN_SETS 16384
#define KNOWN_WAYS 4
#define KNOWN_SIZE 31

struct known_term {
	uint8_t len; /* 0: none */
	char text[KNOWN_SIZE];
};

struct fts_terms_known {
	struct known_term sets[KNOWN_SETS][KNOWN_WAYS];
};

void fts_terms_known_freep(struct fts_terms_known **k)
{
	free(*k);
	*k = NULL;
}

void fts_terms_forget(struct fts_db *db)
{
	fts_terms_known_freep(&db->known);
}

static size_t set_of(const char *term, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)term[i]) * UINT64_C(0x100000001b3);
	return (h ^ h >> 32) % KNOWN_SETS;
}

static void move_up(struct known_term *set, size_t at)
{
	struct known_term above = set[at - 1];

	set[at - 1] = set[at];
	set[at] = above;
}

/* Says whether it was known; it is from now on. */
static bool know(struct fts_terms_known *k, const char *term, size_t n)
{
	if (n > KNOWN_SIZE)
		return false;
	struct known_term *set = k->sets[set_of(term, n)], *last = &set[KNOWN_WAYS - 1];

	for (size_t i = 0; i < KNOWN_WAYS; i++) {
		if (set[i].len == n && !memcmp(set[i].text, term, n)) {
			if (i)
				move_up(set, i);
			return true;
		}
	}
	last->len = (uint8_t)n;
	memcpy(last->text, term, n);
	return false;
}

static int add_term(struct fts_db *db, const char *term, size_t n, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_ADD_TERM, e);

	if (!s)
		return -1;
	sqlite3_bind_blob64(s, 1, term, n, SQLITE_STATIC);
	int rc = sqlite3_step(s);

	if (rc != SQLITE_DONE)
		fts_db_fail(db, "index_add", e);
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

int fts_terms_add(struct fts_db *db, const char *column, size_t n, struct err *e)
{
	struct fts_token t;

	if (!db->known)
		db->known = MEM_NEW(struct fts_terms_known);
	for (size_t at = 0; fts_tokens_next(&t, column, n, &at);)
		if (!know(db->known, t.text, t.len) && add_term(db, t.text, t.len, e))
			return -1;
	return 0;
}

/* ---- reading ---- */

static size_t count_characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += !utf8_is_inside(*text);
	return n;
}

/* All of them, or one more than most. */
static int read_terms(struct strv *terms, struct fts_db *db, sqlite3_stmt *s, size_t most, struct err *e)
{
	int rc = SQLITE_ROW;

	while (terms->n <= most && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		_free_ char *term = mem_dup(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));

		strv_add(terms, term);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fts_db_fail(db, "search", e);
	sqlite3_reset(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

int fts_terms_expand(struct strv *terms_r, struct fts_db *db, const char *prefix, size_t most, struct err *e)
{
	_free_ char *end = mem_printf("%s\xff", prefix); /* no byte of UTF-8 is as great */

	*terms_r = (struct strv){ 0 };
	if (count_characters(prefix) < FTS_TERMS_PREFIX_MIN)
		return 0;
	sqlite3_stmt *s = fts_db_statement(db, SQL_TERMS, e);

	if (!s)
		return -1;
	sqlite3_bind_blob64(s, 1, prefix, strlen(prefix), SQLITE_STATIC);
	sqlite3_bind_blob64(s, 2, end, strlen(end), SQLITE_STATIC);
	if (read_terms(terms_r, db, s, most, e)) {
		strv_deinit(terms_r);
		return -1;
	}
	if (terms_r->n > most)
		strv_deinit(terms_r);
	return 0;
}
