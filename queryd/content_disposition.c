#include "queryd/content_disposition.h"

#include "base/buf.h"
#include "base/str.h"

#include <assert.h>
#include <string.h>

#define UNRESERVED "!#$&+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The name without directories and leading dots. */
static const char *base_name(const char *name)
{
	for (const char *at = name; *at; at++)
		if (*at == '/' || *at == '\\')
			name = at + 1;
	return name + strspn(name, ".");
}

/* How many bytes of it are kept: no character is cut in two. */
static size_t kept(const char *name)
{
	size_t n = strlen(name);

	if (n <= CONTENT_DISPOSITION_NAME_MAX)
		return n;
	n = CONTENT_DISPOSITION_NAME_MAX;
	while (n && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static char plain(char c)
{
	return c < ' ' || c >= 0x7f || strchr("\"\\%", c) ? '_' : c;
}

/* The length of a character at `at` that turns the direction of writing (U+200E, U+200F, U+202A to U+202E, U+2066 to
 * U+2069), else 0: with one "exe.fdp" is shown as a PDF. */
static size_t direction_mark(const char *at)
{
	const unsigned char *c = (const unsigned char *)at;

	if (c[0] != 0xe2 || (c[1] != 0x80 && c[1] != 0x81))
		return 0;
	if (c[1] == 0x81)
		return c[2] >= 0xa6 && c[2] <= 0xa9 ? 3 : 0;
	return c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xaa && c[2] <= 0xae) ? 3 : 0;
}

/* Without these. Caller frees. */
static char *one_direction(const char *name)
{
	char *result = mem_strdup(name), *to = result;

	while (*name) {
		name += direction_mark(name);
		if (*name && !direction_mark(name))
			*to++ = *name++;
	}
	*to = '\0';
	return result;
}

char *content_disposition_attachment(const char *name, const char *fallback)
{
	_free_ char *readable = one_direction(name);
	const char *file = base_name(readable);
	struct buf b = BUF_INIT(4 * CONTENT_DISPOSITION_NAME_MAX + 64);
	int full = 0;

	if (!*file || !str_utf8_valid(file, strlen(file)))
		file = fallback;
	size_t n = kept(file);

	full |= buf_add_str(&b, "attachment; filename=\"");
	for (size_t i = 0; i < n; i++)
		full |= buf_add_char(&b, plain(file[i]));
	full |= buf_add_str(&b, "\"; filename*=UTF-8''");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)file[i];

		if (strchr(UNRESERVED, c))
			full |= buf_add_char(&b, (char)c);
		else
			full |= buf_printf(&b, "%%%02X", c < ' ' || c == 0x7f ? '_' : c);
	}
	assert(!full); /* at most four bytes for each that is kept */
	return buf_take(&b);
}
