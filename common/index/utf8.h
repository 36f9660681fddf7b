/* utf8: one character forward or back in UTF-8 text. Bytes that are not UTF-8 read as U+FFFD, one at a time: nothing is
 * ever read outside the text. */
#ifndef INDEX_UTF8_H
#define INDEX_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4 /* bytes of a character */
#define UTF8_BAD 0xfffd

static inline bool utf8_is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The character at *at < n, which moves behind it. */
static inline int32_t utf8_next(const char *text, size_t n, size_t *at)
{
	unsigned char first = (unsigned char)text[(*at)++];
	int more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
	int32_t c = more > 0 ? first & (0x3f >> more) : first;

	if (more < 0 || n - *at < (size_t)more)
		return UTF8_BAD;
	for (int i = 0; i < more; i++) {
		if (!utf8_is_inside(text[*at + (size_t)i]))
			return UTF8_BAD;
		c = c << 6 | (text[*at + (size_t)i] & 0x3f);
	}
	*at += (size_t)more;
	return c;
}

/* The character before *at > from, which moves to its start. */
static inline int32_t utf8_previous(const char *text, size_t from, size_t *at)
{
	size_t end = *at, start = end - 1;

	while (start > from && end - start < UTF8_MAX && utf8_is_inside(text[start]))
		start--;
	*at = start;
	int32_t c = utf8_next(text, end, &start);

	if (start == end)
		return c;
	*at = end - 1;
	return UTF8_BAD;
}

#endif
