#include "index/index_fts_db.h"

#include <string.h>

/* Documents and queries come as finished tokens, each behind a separator: nothing is left to decide. */

static int make(void *context, const char **args, int n, Fts5Tokenizer **t_r)
{
	(void)context, (void)args, (void)n;
	*t_r = mem_alloc(1, 1);
	return SQLITE_OK;
}

static void discard(Fts5Tokenizer *t)
{
	free(t);
}

static bool is_separator(char c)
{
	return c == FTS_TOKEN_NEXT || c == FTS_TOKEN_SAME;
}

bool fts_tokens_next(struct fts_token *t_r, const char *column, size_t n, size_t *at)
{
	while (*at < n) {
		bool same = column[*at] == FTS_TOKEN_SAME;
		size_t start = *at + is_separator(column[*at]), end = start;

		while (end < n && !is_separator(column[end]))
			end++;
		*at = end;
		*t_r = (struct fts_token){ .text = column + start, .len = end - start, .same = same };
		if (t_r->len)
			return true;
	}
	return false;
}

static int split(Fts5Tokenizer *t, void *arg, int flags, const char *text, int n,
	int (*emit)(void *arg, int flags, const char *token, int len, int start, int end))
{
	struct fts_token token;
	int rc = SQLITE_OK;

	(void)t, (void)flags;
	for (size_t at = 0; rc == SQLITE_OK && fts_tokens_next(&token, text, (size_t)n, &at);) {
		int start = (int)(token.text - text);

		rc = emit(arg, token.same ? FTS5_TOKEN_COLOCATED : 0, token.text, (int)token.len, start,
			start + (int)token.len);
	}
	return rc;
}

static fts5_api *find_api(sqlite3 *sql)
{
	sqlite3_stmt *s = NULL;
	fts5_api *api = NULL;

	if (sqlite3_prepare_v2(sql, "SELECT fts5(?1)", -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_pointer(s, 1, &api, "fts5_api_ptr", NULL);
		sqlite3_step(s);
	}
	sqlite3_finalize(s);
	return api;
}

int fts_tokens_register(sqlite3 *sql)
{
	fts5_tokenizer tokenizer = { make, discard, split };
	fts5_api *api = find_api(sql);

	return api ? api->xCreateTokenizer(api, "strongroom", NULL, &tokenizer, NULL) : SQLITE_ERROR;
}
