#include "base/buf.h"
#include "base/hex.h"
#include "index/index_es.h"
#include "index/mailbox_digest.h"
#include "index/phrase.h"

#include <openssl/evp.h>
#include <string.h>

#define TERMS_MAX 65536 /* of one list: the server's limit */
#define DEPTH_MAX 8	/* of boolean queries within each other that are sent as they are; servers refuse over 20 */

static const char *const field_names[] = { "from", "to", "cc", "bcc", "envelope", "subject", "body", "attachment",
	"message_id" };

static void put_node(struct es_json *j, const struct query *q, struct tokenizer *t, unsigned depth);

/* ---- text ---- */

/* Nobody can ask for a token in such a field by name, so that its clauses stand for those of all others. */
static const char *const any_names[] = { "head", "body" };

static void put_phrase(struct es_json *j, const char *field, const struct phrase *p)
{
	const char *kind = p->tokens.n > 1 ? p->prefix ? "match_phrase_prefix" : "match_phrase" : p->prefix ? "prefix" : "term";

	es_put(j, "{");
	es_put_name(j, kind);
	es_put(j, "{");
	es_put_name(j, field);
	es_put(j, p->tokens.n > 1 ? "{\"query\":\"" : "{\"value\":\"");
	for (size_t i = 0; i < p->tokens.n; i++) {
		es_put(j, i ? " " : "");
		es_put_token(j, p->tokens.items[i], strlen(p->tokens.items[i]));
	}
	/* By default only the first fifty words that begin so would be found. */
	es_put(j, p->tokens.n > 1 && p->prefix ? "\",\"max_expansions\":2147483647}}}" : "\"}}}");
}

static void put_text(struct es_json *j, const struct query *q, struct tokenizer *t)
{
	const char *names[ARRAY_LEN(field_names)];
	struct phrase p;
	size_t n = 0;

	if (q->fields == FIELD_ANY)
		for (; n < ARRAY_LEN(any_names); n++)
			names[n] = any_names[n];
	else
		for (size_t i = 0; i < ARRAY_LEN(field_names); i++)
			if (q->fields & 1u << i)
				names[n++] = field_names[i];
	phrase_make(&p, t, q->text, q->prefix);
	if (!p.tokens.n) {
		es_put(j, "{\"match_none\":{}}");
	} else if (n == 1) {
		put_phrase(j, names[0], &p);
	} else {
		es_put(j, "{\"bool\":{\"should\":[");
		for (size_t i = 0; i < n; i++) {
			es_put(j, i ? "," : "");
			put_phrase(j, names[i], &p);
		}
		es_put(j, "],\"minimum_should_match\":1}}");
	}
	phrase_deinit(&p);
}

/* ---- numbers ---- */

static void put_range(struct es_json *j, const char *field, int64_t low, int64_t high)
{
	es_put(j, "{\"range\":{");
	es_put_name(j, field);
	es_put(j, "{");
	if (low != INT64_MIN) {
		es_put_name(j, "gte");
		es_put_number(j, low);
	}
	if (high != INT64_MAX) {
		es_put_name(j, "lt");
		es_put_number(j, high);
	}
	es_put(j, "}}}");
}

/* ---- never from text ---- */

static void put_links(struct es_json *j, const struct query *q)
{
	es_put(j, "{\"terms\":{\"link\":[");
	for (size_t i = 0; i < q->link_count; i++) {
		char text[LINK_TEXT_SIZE];

		es_put(j, i ? "," : "");
		es_put_string(j, link_format(text, &q->links[i]), LINK_TEXT_SIZE - 1);
	}
	es_put(j, "]}}");
}

static void put_one(struct es_json *j, const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	es_put(j, "{\"ids\":{\"values\":[");
	es_put_string(j, uuid_format(text, id), UUID_TEXT_SIZE - 1);
	es_put(j, "]}}");
}

/* ---- operators ---- */

/* What is joined by one operator becomes one list, however it was put in parentheses. */
static void put_list(struct es_json *j, const struct query *q, enum query_op op, struct tokenizer *t, unsigned depth, bool *any)
{
	if (q->op == op) {
		put_list(j, q->left, op, t, depth, any);
		put_list(j, q->right, op, t, depth, any);
		return;
	}
	es_put(j, *any ? "," : "");
	*any = true;
	put_node(j, q, t, depth);
}

static void put_joined(struct es_json *j, const struct query *q, struct tokenizer *t, unsigned depth)
{
	bool any = false;

	es_put(j, q->op == QUERY_AND ? "{\"bool\":{\"filter\":[" : "{\"bool\":{\"should\":[");
	put_list(j, q, q->op, t, depth + 1, &any);
	es_put(j, q->op == QUERY_AND ? "]}}" : "],\"minimum_should_match\":1}}");
}

static void put_operator(struct es_json *j, const struct query *q, struct tokenizer *t, unsigned depth)
{
	if (q->op == QUERY_NOT) {
		es_put(j, "{\"bool\":{\"must_not\":");
		put_node(j, q->left, t, depth + 1);
		es_put(j, "}}");
	} else {
		put_joined(j, q, t, depth);
	}
}

/* Servers count how deep queries lie within each other, and begin anew inside of one that is wrapped up. */
static void put_wrapped(struct es_json *j, const struct query *q, struct tokenizer *t)
{
	CLEANUP(es_json_deinit) struct es_json inner = ES_JSON_INIT(ES_JSON_MAX);

	put_operator(&inner, q, t, 0);
	size_t n = inner.text.len;
	_free_ char *text = mem_alloc(4 * (n / 3 + 1) + 1, 1);

	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)inner.text.data, (int)n);
	j->full |= inner.full;
	es_put(j, "{\"wrapper\":{\"query\":\"");
	es_put(j, text);
	es_put(j, "\"}}");
}

static void put_node(struct es_json *j, const struct query *q, struct tokenizer *t, unsigned depth)
{
	switch (q->op) {
	case QUERY_ALL:
		es_put(j, "{\"match_all\":{}}");
		return;
	case QUERY_TEXT:
		put_text(j, q, t);
		return;
	case QUERY_DATE:
		put_range(j, "date", q->low, q->high);
		return;
	case QUERY_SIZE:
		put_range(j, "size", q->low, q->high);
		return;
	case QUERY_HAS_ATTACHMENT:
		es_put(j, "{\"term\":{\"has_attachment\":true}}");
		return;
	case QUERY_IS:
		es_put(j, q->mark == MARK_TRUNCATED ? "{\"term\":{\"mark\":\"truncated\"}}" : "{\"term\":{\"mark\":\"unreadable\"}}");
		return;
	case QUERY_LINKED:
		put_links(j, q);
		return;
	case QUERY_ONE:
		put_one(j, &q->id);
		return;
	case QUERY_AND:
	case QUERY_OR:
	case QUERY_NOT:
		if (depth == DEPTH_MAX)
			put_wrapped(j, q, t);
		else
			put_operator(j, q, t, depth);
		return;
	}
	abort();
}

/* ---- the scope ---- */

void es_put_mailboxes(struct es_json *j, const struct strv *list)
{
	es_put(j, "{\"bool\":{\"should\":[");
	for (size_t i = 0; i < list->n; i++) {
		char text[2 * MAILBOX_DIGEST_SIZE + 1];
		uint8_t digest[MAILBOX_DIGEST_SIZE];

		if (i % TERMS_MAX == 0)
			es_put(j, i ? "]}},{\"terms\":{\"mailbox\":[" : "{\"terms\":{\"mailbox\":[");
		mailbox_digest(digest, list->items[i]);
		hex_encode(text, digest, sizeof(digest));
		es_put(j, i % TERMS_MAX ? "," : "");
		es_put_string(j, text, sizeof(text) - 1);
	}
	es_put(j, list->n ? "]}}],\"minimum_should_match\":1}}" : "{\"match_none\":{}}],\"minimum_should_match\":1}}");
}

static void put_scope(struct es_json *j, const struct scope *scope)
{
	put_range(j, "date", scope_from_us(scope), scope_until_us(scope));
	if (scope_is_all(scope))
		return;
	es_put(j, ",");
	es_put_mailboxes(j, scope_mailboxes(scope));
}

void es_put_query(struct es_json *j, const struct query *q, const struct scope *scope, struct tokenizer *t)
{
	es_put(j, "{\"bool\":{\"filter\":[");
	put_scope(j, scope);
	es_put(j, ",");
	put_node(j, q, t, 1);
	es_put(j, "]}}");
}
