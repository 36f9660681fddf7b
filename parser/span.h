/* span: a view of bytes that somebody else owns; here always of the message or of something decoded
 * from it. */
#ifndef PARSER_SPAN_H
#define PARSER_SPAN_H

#include "base/str.h"

#include <string.h>
#include <strings.h>

struct span {
	const char *at;
	size_t n;
};

static inline const char *span_end(struct span s)
{
	return s.at + s.n;
}

static inline struct span span_between(const char *from, const char *to)
{
	return (struct span){ from, (size_t)(to - from) };
}

/* ASCII case-insensitive equality with a C string. */
static inline bool span_ieq(struct span s, const char *text)
{
	return strlen(text) == s.n && strncasecmp(s.at, text, s.n) == 0;
}

static inline bool span_same(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || a.at == b.at || memcmp(a.at, b.at, a.n) == 0);
}

static inline bool span_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct span span_trim(struct span s)
{
	while (s.n && span_is_blank(s.at[0])) {
		s.at++;
		s.n--;
	}
	while (s.n && span_is_blank(s.at[s.n - 1]))
		s.n--;
	return s;
}

/* Cuts the next line off *rest: without its line end, which is LF or CR LF. false: there was
 * nothing left. */
static inline bool span_line(struct span *rest, struct span *line_r)
{
	if (!rest->n)
		return false;
	const char *lf = memchr(rest->at, '\n', rest->n);
	size_t n = lf ? (size_t)(lf - rest->at) : rest->n;

	*line_r = (struct span){ rest->at, n && lf && rest->at[n - 1] == '\r' ? n - 1 : n };
	rest->at += lf ? n + 1 : n;
	rest->n -= lf ? n + 1 : n;
	return true;
}

#endif
