#include "queryd/path.h"

#include "base/hex.h"
#include "base/str.h"

#include <string.h>

static int refuse(const char **why_r, const char *why)
{
	*why_r = why;
	return -1;
}

/* The value of the escape at `at`, or -1. */
static int escaped_byte(const char *at)
{
	uint8_t byte;
	char digits[3] = { at[1], at[1] ? at[2] : '\0', '\0' };

	return hex_decode(&byte, 1, digits) < 0 ? -1 : byte;
}

/* Decodes the n bytes at `raw` into `out` (room for n + 1). */
static int decode(char *out, const char *raw, size_t n, const char **why_r)
{
	size_t length = 0;

	for (const char *end = raw + n; raw < end; raw++) {
		int byte = (unsigned char)*raw;

		if (byte <= ' ' || byte >= 0x7f)
			return refuse(why_r, "The path holds a character that must be percent-encoded.");
		if (byte == '%') {
			byte = end - raw > 2 ? escaped_byte(raw) : -1;
			raw += 2;
			if (byte < ' ' || byte == 0x7f)
				return refuse(why_r, "The path holds a percent-encoding that is not allowed.");
		}
		out[length++] = (char)byte;
	}
	out[length] = '\0';
	if (!str_utf8_valid(out, length))
		return refuse(why_r, "The path is not UTF-8.");
	return 0;
}

/* Of the absolute form, the part from the path on. */
static const char *origin_form(const char *target)
{
	if (!str_istarts(target, "https://"))
		return target;
	target += strlen("https://");
	return target + strcspn(target, "/?");
}

int path_parse(struct strv *segments_r, const char *target, const char **why_r)
{
	const char *at = origin_form(target);

	if (*at != '/')
		return refuse(why_r, "The request target must be a path.");
	if (at[strcspn(at, "?#")])
		return refuse(why_r, "This interface takes no query parameters.");
	_free_ char *segment = mem_alloc(strlen(at) + 1, 1);

	for (at++; *at; at++) {
		size_t n = strcspn(at, "/");

		if (decode(segment, at, n, why_r) < 0)
			return -1;
		strv_add(segments_r, segment);
		at += n;
		if (!*at)
			break;
	}
	return 0;
}
