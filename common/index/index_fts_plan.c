#include "index/index_fts_plan.h"

#include "index/index_fts_row.h"
#include "index/index_fts_scope.h"
#include "index/index_fts_terms.h"

struct planner {
	struct tokenizer *tokenizer;
	struct fts_db *db; /* may be missing */
	struct err *error;
	size_t terms_left; /* that prefixes may still become */
	bool failed;	   /* error is set, and the plan worth nothing */
};

/* ---- leaves ---- */

static struct fts_plan *new_leaf(void)
{
	struct fts_plan *p = MEM_NEW(struct fts_plan);

	p->kind = PLAN_LEAF;
	p->high = INT64_MAX;
	p->size_low = p->date_low = INT64_MIN;
	p->size_high = p->date_high = INT64_MAX;
	return p;
}

static struct fts_plan *nothing(void)
{
	struct fts_plan *p = new_leaf();

	p->low = 1;
	p->high = 0;
	return p;
}

static bool has_checks(const struct fts_plan *p)
{
	return p->size_low != INT64_MIN || p->size_high != INT64_MAX || p->date_low != INT64_MIN ||
		p->date_high != INT64_MAX || p->check_members;
}

/* Nothing but a match: OR and NOT stay within FTS5. */
static bool is_text(const struct fts_plan *p)
{
	return p->kind == PLAN_LEAF && p->low == 0 && p->high == INT64_MAX && !has_checks(p) && !fts_match_is_all(&p->match);
}

/* FTS5 finds whole words one after the other, newest first; of a prefix it gathers all before the first. */
static struct fts_match match_phrase(struct planner *m, const struct phrase *phrase, unsigned fields)
{
	struct strv terms = { 0 };
	size_t most = m->terms_left < FTS_TERMS_MAX ? m->terms_left : FTS_TERMS_MAX;
	struct fts_match match;

	if (phrase->prefix && phrase->tokens.n == 1 && m->db && !m->failed)
		m->failed = fts_terms_expand(&terms, m->db, phrase->tokens.items[0], most, m->error) != 0;
	m->terms_left -= terms.n;
	match = terms.n ? fts_match_terms(&terms, fields) : fts_match_phrase(phrase, fields);
	strv_deinit(&terms);
	return match;
}

static struct fts_plan *text_leaf(struct planner *m, const struct query *q)
{
	struct phrase phrase;
	struct fts_plan *p;

	phrase_make(&phrase, m->tokenizer, q->text, q->prefix);
	p = phrase.tokens.n ? new_leaf() : nothing();
	if (phrase.tokens.n)
		p->match = match_phrase(m, &phrase, q->fields);
	phrase_deinit(&phrase);
	return p;
}

static struct fts_plan *date_leaf(int64_t low_us, int64_t high_us)
{
	struct fts_rows rows = fts_rows_between(low_us, high_us);
	struct fts_plan *p = new_leaf();

	p->low = rows.low;
	p->high = rows.high;
	if (!rows.exact) {
		p->date_low = low_us;
		p->date_high = high_us;
	}
	return p;
}

/* The classes that the range touches narrow the search, the check makes it exact. */
static struct fts_plan *size_leaf(int64_t low, int64_t high)
{
	char texts[FTS_SIZE_CLASSES][FTS_TOKEN_SIZE];
	const char *tokens[FTS_SIZE_CLASSES];
	size_t n = 0;

	if (low < 0)
		low = 0;
	if (low >= high)
		return nothing();
	for (unsigned c = fts_size_class((uint64_t)low); c <= fts_size_class((uint64_t)high - 1); c++, n++)
		tokens[n] = fts_size_token(texts[n], c);
	struct fts_plan *p = new_leaf();

	p->match = fts_match_scope(tokens, n);
	p->size_low = low;
	p->size_high = high;
	return p;
}

static struct fts_plan *attachment_leaf(void)
{
	static const char *const token = FTS_TOKEN_ATTACHMENT;
	struct fts_plan *p = new_leaf();

	p->match = fts_match_scope(&token, 1);
	return p;
}

static struct fts_plan *mark_leaf(enum query_mark mark)
{
	const char *token = mark == MARK_TRUNCATED ? FTS_TOKEN_TRUNCATED : FTS_TOKEN_UNREADABLE;
	struct fts_plan *p = new_leaf();

	p->match = fts_match_scope(&token, 1);
	return p;
}

static struct fts_plan *links_leaf(const struct query *q)
{
	char (*texts)[FTS_TOKEN_SIZE] = mem_alloc(q->link_count, FTS_TOKEN_SIZE);
	const char **tokens = mem_alloc(q->link_count, sizeof(*tokens));
	struct fts_plan *p = q->link_count ? new_leaf() : nothing();

	for (size_t i = 0; i < q->link_count; i++)
		tokens[i] = fts_link_token(texts[i], &q->links[i]);
	if (q->link_count)
		p->match = fts_match_scope(tokens, q->link_count);
	free(texts);
	free(tokens);
	return p;
}

/* The row of the message with this id. */
static struct fts_plan *one_leaf(struct planner *m, const struct uuid *id)
{
	sqlite3_stmt *s = m->db && !m->failed ? fts_db_statement(m->db, SQL_FIND_ID, m->error) : NULL;
	struct fts_plan *p = nothing();

	if (!s) {
		m->failed |= m->db != NULL;
		return p;
	}
	sqlite3_bind_blob(s, 1, id->bytes, UUID_SIZE, SQLITE_STATIC);
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW)
		p->low = p->high = sqlite3_column_int64(s, 0);
	else if (rc != SQLITE_DONE)
		m->failed = fts_db_fail(m->db, "search", m->error) != 0;
	sqlite3_reset(s);
	return p;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Everything that a says and everything that b says. Takes over b's match. */
static void narrow_leaf(struct fts_plan *a, struct fts_plan *b)
{
	a->match = fts_match_and(a->match, b->match);
	b->match = (struct fts_match){ 0 };
	a->low = max(a->low, b->low);
	a->high = min(a->high, b->high);
	a->size_low = max(a->size_low, b->size_low);
	a->size_high = min(a->size_high, b->size_high);
	a->date_low = max(a->date_low, b->date_low);
	a->date_high = min(a->date_high, b->date_high);
	a->check_members |= b->check_members;
	a->members = fts_match_and(a->members, b->members);
	b->members = (struct fts_match){ 0 };
}

/* ---- operators; each takes over its operands ---- */

static struct fts_plan *join(enum fts_plan_kind kind, struct fts_plan *left, struct fts_plan *right)
{
	struct fts_plan *p = MEM_NEW(struct fts_plan);

	p->kind = kind;
	p->left = left;
	p->right = right;
	return p;
}

static bool fits(const struct fts_plan *a, const struct fts_plan *b)
{
	return fts_match_depth(&a->match) < FTS_DEPTH_MAX && fts_match_depth(&b->match) < FTS_DEPTH_MAX;
}

/* The leaf of a conjunction, which stands at its left. */
static struct fts_plan *leaf_of(struct fts_plan *p)
{
	if (p->kind == PLAN_AND)
		p = p->left;
	return p->kind == PLAN_LEAF ? p : NULL;
}

/* What a conjunction has besides its leaf, or NULL. */
static struct fts_plan *rest_of(struct fts_plan *p)
{
	struct fts_plan *rest = p->right;

	p->right = NULL;
	fts_plan_freep(&p);
	return rest;
}

/* p AND rest, with p's leaf still at the left. */
static struct fts_plan *with_rest(struct fts_plan *p, struct fts_plan *rest)
{
	if (!rest)
		return p;
	if (p->kind != PLAN_AND)
		return join(PLAN_AND, p, rest);
	p->right = join(PLAN_AND, p->right, rest);
	return p;
}

static struct fts_plan *plan_and(struct fts_plan *a, struct fts_plan *b)
{
	struct fts_plan *leaf_a = leaf_of(a), *leaf_b = leaf_of(b);

	if (leaf_a && leaf_b && fits(leaf_a, leaf_b)) {
		narrow_leaf(leaf_a, leaf_b);
		return with_rest(a, rest_of(b));
	}
	return leaf_a ? with_rest(a, b) : with_rest(b, a);
}

static struct fts_plan *plan_or(struct fts_plan *a, struct fts_plan *b)
{
	if (!is_text(a) || !is_text(b) || !fits(a, b))
		return join(PLAN_OR, a, b);
	a->match = fts_match_or(a->match, b->match);
	b->match = (struct fts_match){ 0 };
	fts_plan_freep(&b);
	return a;
}

static struct fts_plan *plan_not(struct fts_plan *a)
{
	if (!is_text(a) || !fits(a, a))
		return join(PLAN_EXCEPT, new_leaf(), a);
	a->match = fts_match_not(a->match);
	return a;
}

static struct fts_plan *build(struct planner *m, const struct query *q)
{
	switch (q->op) {
	case QUERY_ALL:
		return new_leaf();
	case QUERY_AND:
		return plan_and(build(m, q->left), build(m, q->right));
	case QUERY_OR:
		return plan_or(build(m, q->left), build(m, q->right));
	case QUERY_NOT:
		return plan_not(build(m, q->left));
	case QUERY_TEXT:
		return text_leaf(m, q);
	case QUERY_DATE:
		return date_leaf(q->low, q->high);
	case QUERY_SIZE:
		return size_leaf(q->low, q->high);
	case QUERY_HAS_ATTACHMENT:
		return attachment_leaf();
	case QUERY_IS:
		return mark_leaf(q->mark);
	case QUERY_LINKED:
		return links_leaf(q);
	case QUERY_ONE:
		return one_leaf(m, &q->id);
	}
	abort();
}

/* ---- the scope ---- */

static struct fts_match match_mailboxes(const struct strv *mailboxes)
{
	char (*texts)[FTS_TOKEN_SIZE] = mem_alloc(mailboxes->n, FTS_TOKEN_SIZE);
	const char **tokens = mem_alloc(mailboxes->n, sizeof(*tokens));

	for (size_t i = 0; i < mailboxes->n; i++) {
		uint8_t digest[MAILBOX_DIGEST_SIZE];

		mailbox_digest(digest, mailboxes->items[i]);
		tokens[i] = fts_mailbox_token(texts[i], digest);
	}
	struct fts_match m = fts_match_scope(tokens, mailboxes->n);

	free(texts);
	free(tokens);
	return m;
}

static struct fts_plan *scope_leaf(const struct scope *scope)
{
	const struct strv *mailboxes = scope_mailboxes(scope);
	struct fts_plan *p;

	if (!scope_is_all(scope) && !mailboxes->n)
		return nothing();
	p = date_leaf(scope_from_us(scope), scope_until_us(scope));
	if (scope_is_all(scope))
		return p;
	if (mailboxes->n <= FTS_SCOPE_FEW) {
		p->match = match_mailboxes(mailboxes);
		return p;
	}
	p->check_members = true;
	if (mailboxes->n <= FTS_SCOPE_MANY)
		p->members = match_mailboxes(mailboxes);
	return p;
}

/* ---- the whole ---- */

/* What only must not match becomes everything in the leaf's rows except what matches. */
static struct fts_plan *settle(struct fts_plan *p)
{
	if (p->kind != PLAN_LEAF) {
		p->left = settle(p->left);
		p->right = settle(p->right);
		return p;
	}
	if (p->match.must.text || !p->match.must_not.text)
		return p;
	struct fts_plan *except = new_leaf();

	except->low = p->low;
	except->high = p->high;
	except->match = fts_match_not(p->match);
	p->match = (struct fts_match){ 0 };
	return join(PLAN_EXCEPT, p, except);
}

/* No row outside these can be in the result, so no leaf needs to look further. */
static void bound(struct fts_plan *p, int64_t low, int64_t high)
{
	if (p->kind != PLAN_LEAF) {
		bound(p->left, low, high);
		bound(p->right, low, high);
		return;
	}
	p->low = max(p->low, low);
	p->high = min(p->high, high);
}

int fts_plan_make(struct fts_plan **p_r, const struct query *q, const struct scope *scope, struct tokenizer *t,
	struct fts_db *db, struct err *e)
{
	struct planner m = { .tokenizer = t, .db = db, .error = e, .terms_left = FTS_TERMS_QUERY_MAX };
	struct fts_plan *p = plan_and(scope_leaf(scope), build(&m, q)), *leaf = leaf_of(p);

	if (m.failed) {
		fts_plan_freep(&p);
		return -1;
	}
	if (leaf)
		bound(p, leaf->low, leaf->high);
	*p_r = settle(p);
	return 0;
}

void fts_plan_freep(struct fts_plan **p)
{
	if (!*p)
		return;
	fts_plan_freep(&(*p)->left);
	fts_plan_freep(&(*p)->right);
	fts_match_deinit(&(*p)->match);
	fts_match_deinit(&(*p)->members);
	sqlite3_finalize((*p)->statement);
	free(*p);
	*p = NULL;
}
