#include "queryd/ingest_body.h"

#include <string.h>

/* ---- where it stands ---- */

/* Behind the string that begins at `at` (at its first quote); `end` when it does not end. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at + 1 : end;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && memchr(" \t\r\n", *at, 4))
		at++;
	return at;
}

/* Is the string from `at` to `behind` a key of this name, with a string for its value? Where that begins, else NULL. */
static const char *value_of(const char *at, const char *behind, const char *end, const char *name)
{
	size_t n = strlen(name);

	if ((size_t)(behind - at) != n + 2 || memcmp(at + 1, name, n) != 0)
		return NULL;
	const char *colon = skip_blanks(behind, end);
	const char *value = colon < end && *colon == ':' ? skip_blanks(colon + 1, end) : end;

	return value < end && *value == '"' ? value : NULL;
}

/* The first member of this name of the outermost object. Escapes in its key are not read: what is written so is found by
 * the JSON reader afterwards, as a member that is not as it should be. */
static const char *find(const char *at, const char *end, const char *name)
{
	for (int depth = 0; at < end; at++) {
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		if (*at != '"')
			continue;
		const char *behind = skip_string(at, end);
		const char *value = depth == 1 ? value_of(at, behind, end, name) : NULL;

		if (value)
			return value;
		at = behind - 1;
	}
	return NULL;
}

/* ---- what it says ---- */

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Takes out the backslashes before slashes, which JSON allows. The length that is left. */
static size_t unescape_slashes(char *text, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n; i++)
		if (text[i] != '\\' || i + 1 == n || text[i + 1] != '/')
			text[length++] = text[i];
	return length;
}

/* Decodes n digits in place; the last group may be padded. False when it is no base64. */
static bool decode(char *text, size_t n, size_t *length_r)
{
	size_t pad = n && text[n - 1] == '=' ? 1u + (n > 1 && text[n - 2] == '=') : 0;
	uint32_t bits = 0;
	size_t out = 0;

	if (n % 4)
		return false;
	for (size_t i = 0; i < n - pad; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			text[out++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
	}
	*length_r = out;
	return !(bits & (pad == 2 ? 15u : pad == 1 ? 3u : 0)); /* bits that are in no byte: nobody wrote them by mistake */
}

bool ingest_body_split(struct buf *body, const char *name, struct ingest_message *message_r, struct buf *rest_r, bool *bad_r)
{
	const char *end = body->data + body->len;
	const char *value = body->len ? find(body->data, end, name) : NULL;

	*bad_r = false;
	if (!value) {
		*bad_r = buf_add(rest_r, body->data ? body->data : "", body->len) < 0;
		return false;
	}
	const char *behind = skip_string(value, end);
	size_t at = (size_t)(value + 1 - body->data), n = (size_t)(behind - value);

	*bad_r = n < 2 || behind[-1] != '"' || buf_add(rest_r, body->data, at) < 0 ||
		buf_add(rest_r, behind - 1, (size_t)(end - behind) + 1) < 0;
	if (*bad_r)
		return false;
	char *text = body->data + at;
	size_t length = 0;

	*bad_r = !decode(text, unescape_slashes(text, n - 2), &length);
	*message_r = (struct ingest_message){ (const uint8_t *)text, length };
	return !*bad_r;
}
