#include "queryd/disposition.h"

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

	if (n <= DISPOSITION_NAME_MAX)
		return n;
	n = DISPOSITION_NAME_MAX;
	while (n && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static char plain(char c)
{
	return c < ' ' || c >= 0x7f || strchr("\"\\%", c) ? '_' : c;
}

char *disposition_attachment(const char *name, const char *fallback)
{
	const char *file = base_name(name);
	struct buf b = BUF_INIT(4 * DISPOSITION_NAME_MAX + 64);
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
