/* Any text as a query: parsed or refused with a position inside it; what is parsed gives a plan and an FTS5 expression. */
#include "base/str.h"
#include "index/index_fts_db.h"
#include "index/index_fts_plan.h"
#include "index/query.h"
#include "mail/scope_grant.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Every leaf that has words must make sense to FTS5. */
static void compile(sqlite3 *sql, struct fts_plan *p)
{
	sqlite3_stmt *s = NULL;

	if (p->kind != PLAN_LEAF) {
		compile(sql, p->left);
		compile(sql, p->right);
		return;
	}
	if (!p->match.must.text)
		return;
	_free_ char *text = fts_match_text(&p->match);

	require(sqlite3_prepare_v2(sql, "SELECT rowid FROM words WHERE words MATCH ?1", -1, &s, NULL) == SQLITE_OK);
	sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
	require(sqlite3_step(s) == SQLITE_DONE);
	sqlite3_finalize(s);
}

static sqlite3 *open_words(void)
{
	static sqlite3 *sql;

	if (sql)
		return sql;
	require(sqlite3_open(":memory:", &sql) == SQLITE_OK && fts_tokens_register(sql) == SQLITE_OK);
	require(sqlite3_exec(sql, "CREATE VIRTUAL TABLE words USING fts5 (body, \"from\", \"to\", cc, bcc, envelope, subject,"
		" attachment, message_id, scope, content = '', tokenize = 'strongroom')", NULL, NULL, NULL) == SQLITE_OK);
	return sql;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEANUP(scope_freep) struct scope *all = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	_free_ char *text = mem_dup(data, n);
	struct query_error error;
	struct query *q = NULL;

	if (query_parse(&q, text, &error)) {
		require(!q && error.position <= strlen(text) && *error.text);
		require(str_utf8_valid(error.text, strlen(error.text)) || !str_utf8_valid(text, strlen(text)));
		return 0;
	}
	struct fts_plan *plan;
	struct err e;

	require(fts_plan_make(&plan, q, all, t, NULL, &e) == 0);
	compile(open_words(), plan);
	fts_plan_freep(&plan);
	query_freep(&q);
	return 0;
}
