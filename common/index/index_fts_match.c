#include "index/index_fts_match.h"

#include "base/buf.h"
#include "index/index_fts_db.h"
#include "index/query.h"

#include <string.h>

#define EXPR_MAX (16u * 1024 * 1024) /* no query and scope come near */

static const char *const column_names[] = { "from", "to", "cc", "bcc", "envelope", "subject", "body", "attachment",
	"message_id" };

/* ---- atoms ---- */

static void put(struct buf *b, const char *text)
{
	if (buf_add_str(b, text))
		abort();
}

/* Inside an FTS5 string only the quote itself needs care. */
static void put_token(struct buf *b, const char *token)
{
	for (; *token; token++)
		if (buf_add(b, *token == '"' ? "\"\"" : token, *token == '"' ? 2 : 1))
			abort();
}

static struct fts_match atom(struct buf *b)
{
	return (struct fts_match){ .must = { .text = buf_take(b), .outer = EXPR_ATOM } };
}

static void put_columns(struct buf *b, unsigned fields)
{
	if (fields == FIELD_ANY)
		return; /* no text gives a token that is in the column scope */
	put(b, "{");
	for (size_t i = 0; i < ARRAY_LEN(column_names); i++)
		if (fields & 1u << i) {
			put(b, " \"");
			put(b, column_names[i]);
			put(b, "\"");
		}
	put(b, "} : ");
}

struct fts_match fts_match_phrase(const struct phrase *p, unsigned fields)
{
	struct buf b = BUF_INIT(EXPR_MAX);
	const char separator[] = { FTS_TOKEN_NEXT, '\0' };

	put_columns(&b, fields);
	put(&b, "\"");
	for (size_t i = 0; i < p->tokens.n; i++) {
		put(&b, separator);
		put_token(&b, p->tokens.items[i]);
	}
	put(&b, p->prefix ? "\" *" : "\"");
	return atom(&b);
}

static void put_any(struct buf *b, const char *const *tokens, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put(b, i ? " OR \"" : "(\"");
		put_token(b, tokens[i]);
		put(b, "\"");
	}
	put(b, ")");
}

struct fts_match fts_match_terms(const struct strv *terms, unsigned fields)
{
	struct buf b = BUF_INIT(EXPR_MAX);

	put_columns(&b, fields);
	put_any(&b, (const char *const *)terms->items, terms->n);
	return atom(&b);
}

struct fts_match fts_match_scope(const char *const *tokens, size_t n)
{
	struct buf b = BUF_INIT(EXPR_MAX);

	put(&b, "scope : ");
	put_any(&b, tokens, n);
	return atom(&b);
}

/* ---- operators ---- */

/* An operand of `outer` needs parentheses unless it is an atom or, for AND and OR, the same again. */
static bool needs_parentheses(const struct fts_expr *x, int outer)
{
	return x->outer != EXPR_ATOM && ((int)x->outer != outer || outer == EXPR_NOT);
}

static struct fts_expr join(struct fts_expr a, struct fts_expr b, int outer)
{
	static const char *const names[] = { [EXPR_AND] = "AND", [EXPR_OR] = "OR", [EXPR_NOT] = "NOT" };
	bool wrap_a = needs_parentheses(&a, outer), wrap_b = needs_parentheses(&b, outer);
	unsigned depth_a = a.depth + wrap_a, depth_b = b.depth + wrap_b;
	struct fts_expr joined = { .outer = outer, .depth = depth_a > depth_b ? depth_a : depth_b };

	joined.text = mem_printf("%s%s%s %s %s%s%s", wrap_a ? "(" : "", a.text, wrap_a ? ")" : "", names[outer],
		wrap_b ? "(" : "", b.text, wrap_b ? ")" : "");
	free(a.text);
	free(b.text);
	return joined;
}

/* Where one is missing, the other. */
static struct fts_expr join_present(struct fts_expr a, struct fts_expr b, int outer)
{
	return a.text && b.text ? join(a, b, outer) : a.text ? a : b;
}

/* must NOT must_not, where must is there. */
static struct fts_expr whole(struct fts_match m)
{
	return m.must_not.text ? join(m.must, m.must_not, EXPR_NOT) : m.must;
}

struct fts_match fts_match_and(struct fts_match a, struct fts_match b)
{
	return (struct fts_match){
		.must = join_present(a.must, b.must, EXPR_AND),
		.must_not = join_present(a.must_not, b.must_not, EXPR_OR),
	};
}

struct fts_match fts_match_not(struct fts_match a)
{
	if (a.must.text)
		return (struct fts_match){ .must_not = whole(a) };
	return (struct fts_match){ .must = a.must_not };
}

struct fts_match fts_match_or(struct fts_match a, struct fts_match b)
{
	if (a.must.text && b.must.text)
		return (struct fts_match){ .must = join(whole(a), whole(b), EXPR_OR) };
	/* one at least says only what must not match: a OR NOT b is NOT (b AND NOT a) */
	return fts_match_not(fts_match_and(fts_match_not(a), fts_match_not(b)));
}

bool fts_match_is_all(const struct fts_match *m)
{
	return !m->must.text && !m->must_not.text;
}

unsigned fts_match_depth(const struct fts_match *m)
{
	return m->must.depth > m->must_not.depth ? m->must.depth : m->must_not.depth;
}

char *fts_match_text(const struct fts_match *m)
{
	struct fts_match copy = {
		.must = { mem_strdup(m->must.text), m->must.outer, m->must.depth },
		.must_not = { mem_strdup(m->must_not.text), m->must_not.outer, m->must_not.depth },
	};

	return whole(copy).text;
}

void fts_match_deinit(struct fts_match *m)
{
	free(m->must.text);
	free(m->must_not.text);
	*m = (struct fts_match){ 0 };
}
