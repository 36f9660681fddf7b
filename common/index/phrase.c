#include "index/phrase.h"

#include <string.h>

struct builder {
	struct phrase *phrase;
	size_t text_len;
	bool prefix;	       /* of the text */
	enum token_kind last;  /* kind of the last token */
	bool addressed;	       /* the last token has become a whole address */
	bool ends;	       /* and that is the end of the text: its pieces are left out */
};

static void replace_last(struct strv *v, const char *text, size_t len)
{
	free(v->items[v->n - 1]);
	v->items[v->n - 1] = mem_dup(text, len);
}

static bool has_dot(const char *text, size_t len)
{
	const char *sign = memchr(text, '@', len);

	return sign && memchr(sign, '.', len - (size_t)(sign - text)); /* none: cut at TOKEN_MAX */
}

/* The wide reading of an address comes first and wins. */
static void take_address(struct builder *b, const struct token *t)
{
	bool ends = t->end == b->text_len;

	if (b->addressed || (!has_dot(t->text, t->len) && !(b->prefix && ends)))
		return;
	replace_last(&b->phrase->tokens, t->text, t->len);
	b->addressed = true;
	b->ends = ends;
}

static int take(void *arg, const struct token *t)
{
	struct builder *b = arg;

	if (t->kind == TOKEN_ADDRESS) {
		take_address(b, t);
		return b->ends;
	}
	if (t->kind == TOKEN_LETTERS)
		return 0; /* a2 asks for a2, and not for every a */
	_free_ char *text = mem_dup(t->text, t->len);

	strv_add(&b->phrase->tokens, text);
	b->addressed = false;
	b->last = t->kind;
	return 0;
}

static void drop_last(struct strv *v)
{
	free(v->items[--v->n]);
}

/* The length of the text without the ASCII punctuation behind its last letter or digit. */
static size_t trimmed(const char *text)
{
	size_t n = strlen(text);

	while (n && !tokenize_any(text + n - 1, 1) && (unsigned char)text[n - 1] < 0x80)
		n--;
	return n;
}

/* alice@* : the beginning of whole addresses. Made by completing the address and cutting what was added. */
static bool make_local_prefix(struct phrase *p, struct tokenizer *t, const char *text)
{
	_free_ char *completed = mem_printf("%sx", text);
	struct builder b = { .phrase = p, .text_len = strlen(completed), .prefix = true };

	tokenize(t, completed, b.text_len, take, &b);
	if (!b.ends)
		return false;
	char *whole = p->tokens.items[p->tokens.n - 1];

	whole[strlen(whole) - 1] = '\0';
	p->prefix = true;
	return true;
}

void phrase_make(struct phrase *p_r, struct tokenizer *t, const char *text, bool prefix)
{
	size_t n = strlen(text);
	struct builder b = { .phrase = p_r, .text_len = trimmed(text) };

	*p_r = (struct phrase){ 0 };
	if (prefix && n && text[n - 1] == '@') {
		if (make_local_prefix(p_r, t, text))
			return;
		phrase_deinit(p_r);
	}
	p_r->prefix = b.prefix = prefix && b.text_len == n; /* foo.* is foo, whatever follows */
	tokenize(t, text, b.text_len, take, &b);
	if (b.ends || !p_r->tokens.n)
		return;
	if (b.last == TOKEN_LAST)
		drop_last(&p_r->tokens);
	else if (b.last == TOKEN_SINGLE)
		p_r->prefix = true;
}

void phrase_deinit(struct phrase *p)
{
	strv_deinit(&p->tokens);
	*p = (struct phrase){ 0 };
}
