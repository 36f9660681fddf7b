#include "archive/utf8.h"

#include "base/buf.h"
#include "base/str.h"

#include <string.h>

/* The length of the well-formed sequence that s begins with, or 0. */
static size_t sequence(const char *s)
{
	size_t left = strnlen(s, 4);

	for (size_t n = 1; n <= left; n++)
		if (str_utf8_valid(s, n))
			return n;
	return 0;
}

char *utf8_clean(const char *s)
{
	size_t length = s ? strlen(s) : 0;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(length * strlen(STR_UTF8_REPLACEMENT));

	if (str_utf8_valid(s ? s : "", length))
		return mem_dup(s ? s : "", length);
	while (*s) {
		size_t n = sequence(s);

		if (buf_add(&out, n ? s : STR_UTF8_REPLACEMENT, n ? n : strlen(STR_UTF8_REPLACEMENT)))
			abort(); /* the maximum above is that of nothing but replacements */
		s += n ? n : 1;
	}
	return buf_take(&out);
}
