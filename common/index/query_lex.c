#include "index/query_lex.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* How many bytes of quote stand here: " or one of the curved ones that word processors make of it. */
static size_t quote_at(const char *s)
{
	if (*s == '"')
		return 1;
	/* U+201C, U+201D, U+201E */
	if (!strncmp(s, "\xe2\x80\x9c", 3) || !strncmp(s, "\xe2\x80\x9d", 3) || !strncmp(s, "\xe2\x80\x9e", 3))
		return 3;
	return 0;
}

static bool ends_word(const char *s)
{
	return !*s || is_blank(*s) || *s == '(' || *s == ')' || quote_at(s);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The length of a field's name at s, when one stands there with its colon; else 0. */
static size_t field_at(const char *s)
{
	size_t n = 0;

	while (is_letter(s[n]) || (n && s[n] == '-'))
		n++;
	return n && s[n] == ':' && strncmp(s + n, "://", 3) != 0 ? n : 0;
}

static bool is_minus(const char *s)
{
	return *s == '-' && (is_letter(s[1]) || (unsigned char)s[1] >= 0x80 || s[1] == '(' || quote_at(s + 1));
}

static struct query_token phrase(const char *text, size_t *at, size_t quote)
{
	struct query_token t = { .kind = QTOK_PHRASE, .position = *at, .text = text + *at + quote };

	while (t.text[t.len] && !quote_at(t.text + t.len))
		t.len++;
	if (!t.text[t.len])
		return (struct query_token){ .kind = QTOK_OPEN_QUOTE, .position = *at };
	*at = (size_t)(t.text - text) + t.len;
	*at += quote_at(text + *at);
	if (text[*at] == '*') {
		t.star = true;
		(*at)++;
	}
	return t;
}

static bool is(const struct query_token *t, const char *word)
{
	return t->len == strlen(word) && !memcmp(t->text, word, t->len);
}

static struct query_token word(const char *text, size_t *at)
{
	struct query_token t = { .kind = QTOK_WORD, .position = *at, .text = text + *at };

	while (!ends_word(t.text + t.len))
		t.len++;
	*at += t.len;
	if (is(&t, "AND"))
		t.kind = QTOK_AND;
	else if (is(&t, "OR"))
		t.kind = QTOK_OR;
	else if (is(&t, "NOT"))
		t.kind = QTOK_NOT;
	if (t.text[t.len - 1] == '*') {
		t.star = true;
		t.len--;
	}
	return t;
}

struct query_token query_lex(const char *text, size_t *at)
{
	while (is_blank(text[*at]))
		(*at)++;
	const char *s = text + *at;
	size_t n;

	if (!*s)
		return (struct query_token){ .kind = QTOK_END, .position = *at };
	if (*s == '(' || *s == ')')
		return (struct query_token){ .kind = *s == '(' ? QTOK_OPEN : QTOK_CLOSE, .position = (*at)++ };
	if (is_minus(s))
		return (struct query_token){ .kind = QTOK_MINUS, .position = (*at)++ };
	if ((n = quote_at(s)) > 0)
		return phrase(text, at, n);
	if ((n = field_at(s)) > 0) {
		struct query_token t = { .kind = QTOK_FIELD, .position = *at, .text = s, .len = n };

		*at += n + 1;
		return t;
	}
	return word(text, at);
}
