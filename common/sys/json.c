#include "sys/json.h"

#include "base/log.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define EXACT_MAX (UINT64_C(1) << 53) /* up to here a double holds every integer */
#define PRINTED_MAX UINT64_C(1000000000000000) /* from here on cJSON prints a number rounded to 15 digits */

static void *owned(void *p)
{
	if (!p)
		log_fatal(NULL, "json failed: out of memory");
	return p;
}

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* The end of the number at `at`, or NULL when RFC 8259 knows no such number (cJSON takes "01" and "1."). */
static const char *number_end(const char *at, const char *end)
{
	const char *digits = *at == '-' ? at + 1 : at;
	const char *stop = skip_digits(digits, end);

	if (stop == digits || (*digits == '0' && stop > digits + 1))
		return NULL;
	if (stop < end && *stop == '.') {
		digits = stop + 1;
		stop = skip_digits(digits, end);
		if (stop == digits)
			return NULL;
	}
	if (stop < end && (*stop == 'e' || *stop == 'E')) {
		digits = stop + 1;
		if (digits < end && (*digits == '+' || *digits == '-'))
			digits++;
		stop = skip_digits(digits, end);
		if (stop == digits)
			return NULL;
	}
	return stop;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Is any of eight bytes below n, which is at most 0x80? */
static bool any_below(uint64_t eight, uint64_t n)
{
	return (eight - EACH_BYTE(n)) & ~eight & EACH_BYTE(0x80);
}

/* Bytes of a string that are neither its end nor an escape nor forbidden: nearly all of them. */
static const char *skip_plain(const char *at, const char *end)
{
	uint64_t eight;

	for (; (size_t)(end - at) >= sizeof(eight); at += sizeof(eight)) {
		memcpy(&eight, at, sizeof(eight));
		if (any_below(eight, 0x20) || any_below(eight ^ EACH_BYTE('"'), 1) || any_below(eight ^ EACH_BYTE('\\'), 1))
			break;
	}
	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
		at++;
	return at;
}

/* The end of the string whose first byte behind the quote is `at`; NULL with *bad_r where a raw control character or
 * an escaped NUL is. */
static const char *string_end(const char *at, const char *end, const char **bad_r)
{
	while ((at = skip_plain(at, end)) < end && *at == '\\') {
		*bad_r = at;
		if (end - at >= 6 && memcmp(at + 1, "u0000", 5) == 0)
			return NULL;
		at += end - at >= 2 ? 2 : 1;
	}
	*bad_r = at;
	return at < end && *at == '"' ? at + 1 : NULL;
}

/* What cJSON lets pass and RFC 8259 doesn't: the place of the first of it, or NULL. The structure is cJSON's to check. */
static const char *lexical_fault(const char *text, const char *end)
{
	const char *at = text, *bad = text;
	int depth = 0;

	while (at < end) {
		const char *next = at + 1;

		depth += (*at == '[' || *at == '{') - (*at == ']' || *at == '}');
		if (*at == '"')
			next = string_end(next, end, &bad);
		else if (depth > JSON_DEPTH_MAX) /* cJSON recurses, on small stacks too */
			next = NULL;
		else if (*at == '-' || (*at >= '0' && *at <= '9'))
			next = number_end(at, end);
		else if ((unsigned char)*at >= 0x7f || ((unsigned char)*at < 0x20 && !strchr("\t\n\r", *at)) || !*at)
			next = NULL;
		if (!next)
			return *at == '"' ? bad : at;
		at = next;
	}
	return NULL;
}

cJSON *json_parse(const char *text, size_t n, struct err *e)
{
	if (!str_utf8_valid(text, n)) {
		err_permanent(e, "invalid JSON: not UTF-8");
		return NULL;
	}
	const char *fault = lexical_fault(text, text + n);

	if (fault) {
		err_permanent(e, "invalid JSON at byte %zu", (size_t)(fault - text));
		return NULL;
	}
	const char *stop = text;
	cJSON *j = cJSON_ParseWithLengthOpts(text, n, &stop, false);

	while (j && stop < text + n && strchr(" \t\r\n", *stop)) /* no NUL is among what is left */
		stop++;
	if (j && stop == text + n)
		return j;
	cJSON_Delete(j);
	err_permanent(e, "invalid JSON at byte %zu", (size_t)(stop - text));
	return NULL;
}

char *json_print(const cJSON *j)
{
	return owned(cJSON_PrintUnformatted(j));
}

void json_add_item(cJSON *object, const char *key, cJSON *item)
{
	owned(item);
	if (!cJSON_AddItemToObject(object, key, item))
		owned(NULL);
}

/* Text with U+FFFD in the place of every byte that is not part of a well-formed UTF-8 sequence. Caller frees. */
static char *mend_utf8(const char *text)
{
	size_t n = strlen(text), out = 0;
	char *mended = mem_alloc(3 * n + 1, 1); /* @UNSAFE: a byte becomes at most the three of U+FFFD */

	while (*text) {
		size_t length = 1;

		while (length <= 4 && length <= n && !str_utf8_valid(text, length))
			length++;
		if (length > 4 || length > n) {
			memcpy(mended + out, "\xef\xbf\xbd", 3);
			out += 3;
			length = 1;
		} else {
			memcpy(mended + out, text, length);
			out += length;
		}
		text += length;
		n -= length;
	}
	return mended;
}

void json_add_str(cJSON *object, const char *key, const char *value)
{
	if (!value) {
		json_add_item(object, key, cJSON_CreateNull());
	} else if (str_utf8_valid(value, strlen(value))) {
		json_add_item(object, key, cJSON_CreateString(value));
	} else {
		_free_ char *mended = mend_utf8(value);

		json_add_item(object, key, cJSON_CreateString(mended));
	}
}

void json_add_u64(cJSON *object, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	if (value > EXACT_MAX)
		json_add_str(object, key, digits);
	else if (value >= PRINTED_MAX)
		json_add_item(object, key, cJSON_CreateRaw(digits));
	else
		json_add_item(object, key, cJSON_CreateNumber((double)value));
}

void json_add_bool(cJSON *object, const char *key, bool value)
{
	json_add_item(object, key, cJSON_CreateBool(value));
}

int json_get_str(const cJSON *object, const char *key, const char **value_r)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!item || cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsString(item))
		return -1;
	*value_r = item->valuestring;
	return 1;
}

int json_get_u64(const cJSON *object, const char *key, uint64_t *value_r)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!item || cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsNumber(item))
		return -1;
	double value = item->valuedouble;

	if (!(value >= 0 && value <= (double)EXACT_MAX) || value != (double)(uint64_t)value)
		return -1;
	*value_r = (uint64_t)value;
	return 1;
}

bool json_is_type(const char *content_type)
{
	static const char json[] = "application/json";

	if (!content_type || !str_istarts(content_type, json))
		return false;
	content_type += strlen(json);
	content_type += strspn(content_type, " \t");
	return !*content_type || *content_type == ';';
}
