#include "index/snippet_seek.h"

#include <stdint.h>
#include <string.h>

static bool is_letter(unsigned char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Letters are not divided from letters, nor digits from digits. */
static bool is_divided(unsigned char a, unsigned char b)
{
	return !(is_letter(a) && is_letter(b)) && !(is_digit(a) && is_digit(b));
}

/* Only an address may begin or end inside of a word, as no more than so much of it is looked at, and a word may be cut. */
static bool is_whole(const char *word, size_t length, bool prefix)
{
	return !prefix && length < TOKEN_MAX && !memchr(word, '@', length);
}

/* May the first token of the phrase stand at `at`, where its first letter does? */
static bool may_begin(const struct phrase *p, const char *text, size_t n, size_t at)
{
	const char *word = p->tokens.items[0];
	size_t length = strlen(word), end = at + length;
	bool whole = is_whole(word, length, p->prefix && p->tokens.n == 1);

	if (whole && at && !is_divided((unsigned char)text[at - 1], (unsigned char)text[at]))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (at + i == n)
			return false;
		if ((unsigned char)text[at + i] >= 0x80)
			return true;
		if (lower((unsigned char)text[at + i]) != (unsigned char)word[i])
			return false;
	}
	return !whole || end == n || is_divided((unsigned char)text[end - 1], (unsigned char)text[end]);
}

static bool any_begins(const struct phrase *phrases, size_t phrase_count, const char *text, size_t n, size_t at)
{
	unsigned char c = lower((unsigned char)text[at]);

	for (size_t i = 0; i < phrase_count; i++)
		if (phrases[i].tokens.n && (unsigned char)phrases[i].tokens.items[0][0] == c && may_begin(&phrases[i], text, n, at))
			return true;
	return false;
}

/* What the first two bytes may be where a phrase begins. Text that is not ASCII may be anything. */
struct beginnings {
	bool first[UINT8_MAX + 1], second[UINT8_MAX + 1];
};

static void allow(bool bytes[UINT8_MAX + 1], unsigned char c)
{
	bytes[c] = true;
	if (c >= 'a' && c <= 'z')
		bytes[c - 'a' + 'A'] = true;
}

static void find_beginnings(struct beginnings *b, const struct phrase *phrases, size_t phrase_count)
{
	memset(b, 0, sizeof(*b));
	memset(b->first + 0x80, true, 0x80);
	memset(b->second + 0x80, true, 0x80);
	for (size_t i = 0; i < phrase_count; i++) {
		const char *word = phrases[i].tokens.n ? phrases[i].tokens.items[0] : "";

		if (!word[0])
			continue;
		allow(b->first, (unsigned char)word[0]);
		if (word[1])
			allow(b->second, (unsigned char)word[1]);
		else
			memset(b->second, true, sizeof(b->second));
	}
}

size_t snippet_seek(const struct phrase *phrases, size_t phrase_count, const char *text, size_t n)
{
	const unsigned char *bytes = (const unsigned char *)text;
	struct beginnings b;
	size_t at = 0;

	find_beginnings(&b, phrases, phrase_count);
	while (at < n && !(b.first[bytes[at]] && (bytes[at] >= 0x80 || (b.second[bytes[at + 1 < n ? at + 1 : at]] &&
		any_begins(phrases, phrase_count, text, n, at)))))
		at++;
	if (at == n)
		return n;
	while (at && bytes[at - 1] > ' ')
		at--;
	return at;
}
