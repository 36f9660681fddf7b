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

/* Decodes the n bytes at `raw` into `out` (room for n + 1); a plus sign becomes `plus`. */
static int decode(char *out, const char *raw, size_t n, char plus, const char **why_r)
{
	size_t length = 0;

	for (const char *end = raw + n; raw < end; raw++) {
		int byte = (unsigned char)*raw;

		if (byte <= ' ' || byte >= 0x7f)
			return refuse(why_r, "The request target holds a character that must be percent-encoded.");
		if (byte == '%') {
			byte = end - raw > 2 ? escaped_byte(raw) : -1;
			raw += 2;
			if (byte < ' ' || byte == 0x7f)
				return refuse(why_r, "The request target holds a percent-encoding that is not allowed.");
		} else if (byte == '+') {
			byte = plus;
		}
		out[length++] = (char)byte;
	}
	out[length] = '\0';
	if (!str_utf8_valid(out, length))
		return refuse(why_r, "The request target is not UTF-8.");
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
	if (at[strcspn(at, "#")])
		return refuse(why_r, "The request target holds a fragment.");
	const char *end = at + strcspn(at, "?");
	_free_ char *segment = mem_alloc(strlen(at) + 1, 1);

	for (at++; at < end; at++) {
		size_t n = strcspn(at, "/?");

		if (decode(segment, at, n, '+', why_r) < 0)
			return -1;
		strv_add(segments_r, segment);
		at += n;
	}
	return 0;
}

static int add_parameter(struct strv *names_r, struct strv *values_r, const char *raw, const char **why_r)
{
	const char *equals = strchr(raw, '=');

	if (!equals || equals == raw)
		return refuse(why_r, "A query parameter is not of the form name=value.");
	size_t name_length = (size_t)(equals - raw);
	_free_ char *name = mem_alloc(name_length + 1, 1), *value = mem_alloc(strlen(equals), 1);

	if (decode(name, raw, name_length, ' ', why_r) < 0 ||
		decode(value, equals + 1, strlen(equals + 1), ' ', why_r) < 0)
		return -1;
	if (!strv_add_unique(names_r, name))
		return refuse(why_r, "A query parameter is there twice.");
	strv_add(values_r, value);
	return 0;
}

int path_parse_query(struct strv *names_r, struct strv *values_r, const char *target, const char **why_r)
{
	const char *at = target + strcspn(target, "?");
	_free_ char *raw = NULL;

	while (*at && at[1]) {
		size_t n = strcspn(++at, "&");

		free(raw);
		raw = mem_dup(at, n);
		if (add_parameter(names_r, values_r, raw, why_r) < 0)
			return -1;
		at += n;
	}
	return 0;
}
