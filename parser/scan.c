#include "parser/scan.h"

static uint64_t length_bit(size_t n)
{
	return UINT64_C(1) << n % 64;
}

bool scan_push(struct scan *s, const char *boundary)
{
	struct span b = { boundary, strlen(boundary) };

	if (s->depth >= ARRAY_LEN(s->boundaries))
		return false;
	while (b.n && (b.at[b.n - 1] == ' ' ||
			      b.at[b.n - 1] == '\t')) /* RFC 2046: never ends with a blank */
		b.n--;
	s->boundaries[s->depth++] = b;
	s->lengths |= length_bit(b.n) | length_bit(b.n + 2);
	return true;
}

void scan_pop(struct scan *s)
{
	s->depth--;
}

/* Is the line (starting with --) one of ours? The innermost multipart asks first. */
static bool is_boundary(struct scan *s, struct span line, const char *next)
{
	line.at += 2;
	line.n -= 2;
	while (line.n && (line.at[line.n - 1] == ' ' || line.at[line.n - 1] == '\t' ||
				 line.at[line.n - 1] == '\r'))
		line.n--;
	if (!(s->lengths & length_bit(line.n)))
		return false;
	for (unsigned level = s->depth; level; level--) {
		struct span b = s->boundaries[level - 1];
		bool last = line.n == b.n + 2 && line.at[b.n] == '-' && line.at[b.n + 1] == '-';

		if ((last || line.n == b.n) && memcmp(line.at, b.at, b.n) == 0) {
			s->hit.level = level;
			s->hit.last = last;
			s->hit.next = next;
			return true;
		}
	}
	return false;
}

/* Is `at` (the start of a line) a boundary line? */
static bool check(struct scan *s, const char *at)
{
	if (s->end - at < 2 || at[0] != '-' || at[1] != '-')
		return false;
	struct span rest = span_between(at, s->end), line;

	span_line(&rest, &line);
	return is_boundary(s, line, rest.at);
}

static struct span without_line_end(const char *start, const char *end)
{
	if (end > start && end[-1] == '\n')
		end -= end - start > 1 && end[-2] == '\r' ? 2 : 1;
	return span_between(start, end);
}

/* The next line behind `at` that begins with a dash; the end when there is none. Dashes are rarer than line ends:
 * base64 has none. */
static const char *next_dashed(const struct scan *s, const char *at)
{
	do
		at = at + 1 < s->end ? memchr(at + 1, '-', (size_t)(s->end - at - 1)) : NULL;
	while (at && at[-1] != '\n');
	return at ? at : s->end;
}

struct span scan_content(struct scan *s)
{
	const char *start = s->at;

	s->hit.level = 0;
	for (const char *at = start; s->depth && at < s->end; at = next_dashed(s, at))
		if (check(s, at)) {
			s->at = at;
			return without_line_end(start, at);
		}
	s->at = s->end;
	return span_between(start, s->end);
}

struct span scan_since(const struct scan *s, const char *start)
{
	return s->hit.level ? without_line_end(start, s->at) : span_between(start, s->at);
}

void scan_skip_line(struct scan *s)
{
	s->at = s->hit.next;
	s->hit.level = 0;
}

void scan_header(struct scan *s, struct header *h_r)
{
	const char *start = s->at;

	*h_r = (struct header){ 0 };
	s->hit.level = 0;
	while (s->at < s->end && !check(s, s->at)) {
		struct span rest = span_between(s->at, s->end), line;

		span_line(&rest, &line);
		if (line.n) {
			h_r->truncated |= (size_t)(s->at - start) > PARSED_HEADER_MAX;
			if (!h_r->truncated && !header_add_line(h_r, line, rest))
				return;
		}
		s->at = rest.at;
		if (!line.n)
			return;
	}
}
