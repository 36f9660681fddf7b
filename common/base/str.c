#include "base/str.h"

#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_ieq(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

bool str_istarts(const char *s, const char *prefix)
{
	while (*prefix && lower(*s) == lower(*prefix)) {
		s++;
		prefix++;
	}
	return !*prefix;
}

char *str_lower(char *s)
{
	for (char *p = s; *p; p++)
		*p = lower(*p);
	return s;
}

char *str_trim(char *s)
{
	while (is_space(*s))
		s++;
	size_t n = strlen(s);

	while (n && is_space(s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* Length of the well-formed sequence at s (n bytes left, the first not ASCII), 0 when there is none. Table 3-7 of the Unicode Standard. */
static size_t sequence(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		length = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		length = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > n)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	if (s[0] == 0xed)
		high = 0x9f;
	if (s[0] == 0xf0)
		low = 0x90;
	if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return length;
}

size_t str_ascii_run(const char *s, size_t n)
{
	size_t run = 0;
	uint64_t eight;

	while (n - run >= sizeof(eight)) {
		memcpy(&eight, s + run, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
		run += sizeof(eight);
	}
	while (run < n && (unsigned char)s[run] < 0x80)
		run++;
	return run;
}

bool str_utf8_valid(const char *s, size_t n)
{
	while (n) {
		size_t step = (unsigned char)*s < 0x80 ? str_ascii_run(s, n) : sequence((const unsigned char *)s, n);

		if (!step)
			return false;
		s += step;
		n -= step;
	}
	return true;
}

int str_parse_u64(uint64_t *value_r, const char *text, uint64_t max)
{
	uint64_t value = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		uint64_t digit = (uint64_t)(*text - '0');

		if (value > (max - digit) / 10 || digit > max)
			return -1;
		value = value * 10 + digit;
	}
	*value_r = value;
	return 0;
}
