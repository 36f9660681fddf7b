#include "parser/text.h"

#define DATA_LINE 56 /* shorter lines may well be a word */
#define REPLACEMENT "\xef\xbf\xbd"

/* Length of the character at the start of s; 0: none that is well formed. */
static size_t character(struct span s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (str_utf8_valid(s.at, n))
			return n;
	return 0;
}

/* Room for all of it, or for as many whole characters as fit. */
static void add_valid(struct text *t, const char *at, size_t n)
{
	size_t room = t->out.max - t->out.len;

	if (n > room) {
		t->truncated = true;
		n = room;
		while (n && ((unsigned char)at[n] & 0xc0) == 0x80)
			n--;
	}
	if (buf_add(&t->out, at, n))
		t->truncated = true;
}

void text_add(struct text *t, struct span s)
{
	if (!memchr(s.at, '\0', s.n) && str_utf8_valid(s.at, s.n)) {
		add_valid(t, s.at, s.n);
		return;
	}
	while (s.n && !t->truncated) {
		size_t n = character(s);

		if (!n)
			add_valid(t, REPLACEMENT, 3);
		else if (*s.at)
			add_valid(t, s.at, n);
		s.at += n ? n : 1;
		s.n -= n ? n : 1;
	}
}

void text_break(struct text *t)
{
	if (t->out.len && t->out.data[t->out.len - 1] != '\n')
		add_valid(t, "\n", 1);
}

static bool is_data_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '+' || c == '/' || c == '=';
}

/* A long run of the base64 alphabet, or "M" and 60 characters of uuencoding. */
static bool is_data(struct span line)
{
	if (line.n < DATA_LINE)
		return false;
	if (line.n == 61 && line.at[0] == 'M' && !memchr(line.at, ' ', line.n))
		return true;
	for (size_t i = 0; i < line.n; i++)
		if (!is_data_char((unsigned char)line.at[i]))
			return false;
	return true;
}

void text_add_raw(struct text *t, struct span bytes)
{
	struct span line;

	text_break(t);
	while (!t->truncated && span_line(&bytes, &line))
		if (!is_data(line)) {
			text_add(t, line);
			add_valid(t, "\n", 1);
		}
}

static bool is_base64(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!is_data_char((unsigned char)line.at[i]))
			return false;
	return true;
}

void text_add_unencoded(struct text *t, struct span bytes)
{
	struct span line;

	text_break(t);
	while (!t->truncated && span_line(&bytes, &line))
		if (!is_base64(span_trim(line))) {
			text_add(t, line);
			add_valid(t, "\n", 1);
		}
}

char *text_clean(struct span utf8)
{
	struct text t = TEXT_INIT(3 * utf8.n);

	text_add(&t, utf8);
	return buf_take(&t.out);
}
