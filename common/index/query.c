#include "index/query.h"

#include "base/str.h"
#include "index/query_lex.h"
#include "index/query_range.h"
#include "index/tokenize.h"
#include "index/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a value means: text in some fields, or one of the kinds that aren't text. */
struct field {
	const char *name;
	enum query_op op;
	unsigned fields;
	const char *sign; /* DATE: put before the value */
};

static const struct field fields[] = {
	{ "from", QUERY_TEXT, FIELD_FROM, "" },
	{ "to", QUERY_TEXT, FIELD_TO, "" },
	{ "cc", QUERY_TEXT, FIELD_CC, "" },
	{ "bcc", QUERY_TEXT, FIELD_BCC, "" },
	{ "envelope", QUERY_TEXT, FIELD_ENVELOPE, "" },
	{ "subject", QUERY_TEXT, FIELD_SUBJECT, "" },
	{ "body", QUERY_TEXT, FIELD_BODY, "" },
	{ "attachment", QUERY_TEXT, FIELD_ATTACHMENT, "" },
	{ "message-id", QUERY_TEXT, FIELD_MESSAGE_ID, "" },
	{ "date", QUERY_DATE, 0, "" },
	{ "after", QUERY_DATE, 0, ">=" },
	{ "before", QUERY_DATE, 0, "<" },
	{ "size", QUERY_SIZE, 0, "" },
	{ "has", QUERY_HAS_ATTACHMENT, 0, "" },
	{ "is", QUERY_IS, 0, "" },
};

static const struct field any_field = { "", QUERY_TEXT, FIELD_ANY, "" };

struct parser {
	const char *text;
	size_t at;		  /* behind the current token */
	struct query_token token; /* the current one */
	unsigned depth, nodes;
	struct query_error *error;
};

static struct query *parse_or(struct parser *p, const struct field *field);

/* NULL, so that failing is one line. */
static struct query *fail(struct parser *p, size_t position, const char *fmt, ...) PRINTF_LIKE(3, 4);
static struct query *fail(struct parser *p, size_t position, const char *fmt, ...)
{
	va_list args;

	p->error->position = position;
	va_start(args, fmt);
	vsnprintf(p->error->text, sizeof(p->error->text), fmt, args);
	va_end(args);
	return NULL;
}

/* How much of a token is quoted in an error: little, and whole characters. */
static int shown(const struct query_token *t)
{
	size_t n = t->len < 20 ? t->len : 20;

	while (n < t->len && n && utf8_is_inside(t->text[n]))
		n--;
	return (int)n;
}

static void advance(struct parser *p)
{
	p->token = query_lex(p->text, &p->at);
}

static struct query *new_node(struct parser *p, enum query_op op)
{
	if (p->nodes == QUERY_NODES_MAX)
		return fail(p, p->token.position, "This query has more than %d parts: split it into several.",
			QUERY_NODES_MAX);
	p->nodes++;
	struct query *q = MEM_NEW(struct query);

	q->op = op;
	return q;
}

/* left and right become one node (or are freed, when there can be no more). */
static struct query *join(struct parser *p, enum query_op op, struct query *left, struct query *right)
{
	struct query *q = new_node(p, op);

	if (!q) {
		query_freep(&left);
		query_freep(&right);
		return NULL;
	}
	q->left = left;
	q->right = right;
	return q;
}

static const struct field *find_field(const struct query_token *t)
{
	_free_ char *name = mem_dup(t->text, t->len);

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_ieq(name, fields[i].name))
			return &fields[i];
	return NULL;
}

static bool is_value(const struct query_token *t)
{
	return t->kind == QTOK_WORD || t->kind == QTOK_PHRASE;
}

/* ---- values ---- */

static struct query *text_value(struct parser *p, const struct field *field)
{
	const struct query_token *t = &p->token;
	const char *star = t->kind == QTOK_WORD ? memchr(t->text, '*', t->len) : NULL;

	if (star)
		return fail(p, (size_t)(star - p->text),
			"A * can stand only at the end of a word: repo* finds report and reports.");
	if (!tokenize_any(t->text, t->len))
		return fail(p, t->position, "There is no letter or digit to search for in \"%.*s%s\".",
			shown(t), t->text, t->star ? "*" : "");
	struct query *q = new_node(p, QUERY_TEXT);

	if (q) {
		q->fields = field->fields;
		q->text = mem_dup(t->text, t->len);
		q->prefix = t->star;
	}
	return q;
}

static struct query *range_value(struct parser *p, const struct field *field)
{
	const struct query_token *t = &p->token;
	_free_ char *text = mem_printf("%s%.*s", field->sign, (int)t->len, t->text);
	struct query_range range;

	if (field->op == QUERY_DATE && (t->star || query_range_date(&range, text))) {
		if (*field->sign)
			return fail(p, t->position, "%s: takes a day, a month or a year: 2011-06-15, 2011-06 or 2011.",
				field->name);
		return fail(p, t->position,
			"No such date: write 2011, 2011-06, 2011-06-15, 2011-06..2011-08 (the earlier one first), "
			">=2011-06-15 or <2011.");
	}
	if (field->op == QUERY_SIZE && (t->star || query_range_size(&range, text)))
		return fail(p, t->position,
			"No such size: write >10K, <=5M, 1M..2M (the smaller one first) or a number of bytes.");
	struct query *q = new_node(p, field->op);

	if (q) {
		q->low = range.low;
		q->high = range.high;
	}
	return q;
}

static struct query *has_value(struct parser *p)
{
	_free_ char *text = mem_dup(p->token.text, p->token.len);

	if (p->token.star || !str_ieq(text, "attachment"))
		return fail(p, p->token.position, "has: knows one thing only: has:attachment.");
	return new_node(p, QUERY_HAS_ATTACHMENT);
}

static struct query *is_value_of(struct parser *p)
{
	_free_ char *text = mem_dup(p->token.text, p->token.len);
	bool truncated = str_ieq(text, "truncated");

	if (p->token.star || (!truncated && !str_ieq(text, "unreadable")))
		return fail(p, p->token.position, "is: knows is:truncated and is:unreadable.");
	struct query *q = new_node(p, QUERY_IS);

	if (q)
		q->mark = truncated ? MARK_TRUNCATED : MARK_UNREADABLE;
	return q;
}

static struct query *parse_value(struct parser *p, const struct field *field)
{
	struct query *q;

	switch (field->op) {
	case QUERY_DATE:
	case QUERY_SIZE:
		q = range_value(p, field);
		break;
	case QUERY_HAS_ATTACHMENT:
		q = has_value(p);
		break;
	case QUERY_IS:
		q = is_value_of(p);
		break;
	default:
		q = text_value(p, field);
	}
	if (q)
		advance(p);
	return q;
}

/* ---- atoms ---- */

static struct query *parse_group(struct parser *p, const struct field *field)
{
	size_t open = p->token.position;

	if (++p->depth > QUERY_DEPTH_MAX)
		return fail(p, open, "Parentheses are nested more than %d deep here.", QUERY_DEPTH_MAX);
	advance(p);
	if (p->token.kind == QTOK_CLOSE)
		return fail(p, open, "There is nothing between these parentheses.");
	struct query *q = parse_or(p, field);

	if (!q)
		return NULL;
	if (p->token.kind != QTOK_CLOSE) {
		query_freep(&q);
		return fail(p, open, "This parenthesis is never closed: a ) is missing.");
	}
	p->depth--;
	advance(p);
	return q;
}

/* Searching for the word alone would find just what its writer wants to be rid of. */
static struct query *refuse_minus(struct parser *p)
{
	return fail(p, p->token.position, "A - excludes nothing here: write NOT and a blank in its place, or put the text in quotes.");
}

/* A name with its colon. One that isn't a field is a word when a blank follows (Re: budget), else a mistake. */
static struct query *parse_field(struct parser *p, const struct field *outer)
{
	struct query_token name = p->token;
	const struct field *field = find_field(&name);

	if (!field) {
		size_t behind = p->at;

		advance(p);
		if (p->token.position == behind && p->token.kind != QTOK_END)
			return fail(p, name.position, "There is no field \"%.*s\"; fields are from to cc bcc envelope subject body "
				"attachment message-id date size has is. Put text in quotes.", shown(&name), name.text);
		p->at = behind;
		p->token = name;
		p->token.kind = QTOK_WORD;
		return parse_value(p, outer);
	}
	advance(p);
	if (p->token.kind == QTOK_OPEN)
		return parse_group(p, field);
	if (is_value(&p->token))
		return parse_value(p, field);
	if (p->token.kind == QTOK_OPEN_QUOTE)
		return fail(p, p->token.position, "This quote is never closed: a \" is missing.");
	if (p->token.kind == QTOK_MINUS)
		return refuse_minus(p);
	return fail(p, name.position, "After %s: comes what to look for there: %s:%s.", field->name, field->name,
		field->op == QUERY_TEXT ? "word, or \"several words\" in quotes" :
		field->op == QUERY_HAS_ATTACHMENT ? "attachment" :
		field->op == QUERY_IS ? "truncated" :
		field->op == QUERY_SIZE ? ">10K" : "2011-06-15");
}

static struct query *parse_atom(struct parser *p, const struct field *field)
{
	const struct query_token *t = &p->token;

	switch (t->kind) {
	case QTOK_WORD:
	case QTOK_PHRASE:
		return parse_value(p, field);
	case QTOK_FIELD:
		return parse_field(p, field);
	case QTOK_OPEN:
		return parse_group(p, field);
	case QTOK_CLOSE:
		return fail(p, t->position, p->depth ? "A word is missing before this parenthesis." :
			"This parenthesis closes nothing: a ( is missing before it.");
	case QTOK_OPEN_QUOTE:
		return fail(p, t->position, "This quote is never closed: a \" is missing.");
	case QTOK_MINUS:
		return refuse_minus(p);
	case QTOK_AND:
	case QTOK_OR:
		return fail(p, t->position, "%.*s stands between two words or groups; the one before it is missing.",
			(int)t->len, t->text);
	case QTOK_NOT:
		return fail(p, t->position, "NOT stands twice here: one is enough.");
	case QTOK_END:
		break;
	}
	return fail(p, t->position, "A word is missing at the end.");
}

static struct query *parse_not(struct parser *p, const struct field *field)
{
	if (p->token.kind != QTOK_NOT)
		return parse_atom(p, field);
	advance(p);
	struct query *q = parse_atom(p, field);

	return q ? join(p, QUERY_NOT, q, NULL) : NULL;
}

/* ---- sequences ---- */

/* Lone punctuation among words, as in Smith & Wesson: nothing that could be searched for. */
static bool is_noise(const struct query_token *t, const struct field *field)
{
	return t->kind == QTOK_WORD && field->op == QUERY_TEXT && !t->star && !tokenize_any(t->text, t->len);
}

static bool begins_atom(const struct query_token *t)
{
	return t->kind != QTOK_END && t->kind != QTOK_CLOSE && t->kind != QTOK_OR && t->kind != QTOK_AND;
}

static void skip_noise(struct parser *p, const struct field *field)
{
	while (is_noise(&p->token, field))
		advance(p);
}

static struct query *parse_and(struct parser *p, const struct field *field)
{
	struct query_token first = p->token;
	struct query *q;

	skip_noise(p, field);
	if (is_noise(&first, field) && !begins_atom(&p->token)) {
		p->token = first;
		return parse_atom(p, field); /* says why there is nothing in it */
	}
	q = parse_not(p, field);
	while (q) {
		struct query *right;

		skip_noise(p, field);
		if (p->token.kind == QTOK_AND) {
			advance(p);
			skip_noise(p, field);
		} else if (!begins_atom(&p->token)) {
			break;
		}
		right = parse_not(p, field);
		if (!right)
			query_freep(&q);
		else
			q = join(p, QUERY_AND, q, right);
	}
	return q;
}

static struct query *parse_or(struct parser *p, const struct field *field)
{
	struct query *q = parse_and(p, field);

	while (q && p->token.kind == QTOK_OR) {
		struct query *right;

		advance(p);
		right = parse_and(p, field);
		if (!right)
			query_freep(&q);
		else
			q = join(p, QUERY_OR, q, right);
	}
	return q;
}

static struct query *parse_all(struct parser *p)
{
	size_t n = strlen(p->text);

	if (n > QUERY_TEXT_MAX)
		return fail(p, QUERY_TEXT_MAX, "The query is longer than %d bytes: split it into several.", QUERY_TEXT_MAX);
	if (!str_utf8_valid(p->text, n))
		return fail(p, 0, "The query is not valid UTF-8 text.");
	advance(p);
	if (p->token.kind == QTOK_END)
		return new_node(p, QUERY_ALL);
	struct query *q = parse_or(p, &any_field);

	if (q && p->token.kind != QTOK_END) {
		query_freep(&q);
		return fail(p, p->token.position, "This parenthesis closes nothing: a ( is missing before it.");
	}
	return q;
}

int query_parse(struct query **q_r, const char *text, struct query_error *error_r)
{
	struct parser p = { .text = text, .error = error_r };

	*error_r = (struct query_error){ 0 };
	*q_r = parse_all(&p);
	return *q_r ? 0 : -1;
}

void query_freep(struct query **q)
{
	if (!*q)
		return;
	query_freep(&(*q)->left);
	query_freep(&(*q)->right);
	free((*q)->text);
	free((*q)->links);
	free(*q);
	*q = NULL;
}
