/* str: small questions about text; ASCII rules only, whatever the locale. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* ASCII case-insensitive equality. */
bool str_ieq(const char *a, const char *b);

/* Does s begin with prefix, ASCII case-insensitively? */
bool str_istarts(const char *s, const char *prefix);

/* Lowers A-Z in place; returns s. */
char *str_lower(char *s);

/* Cuts white space off both ends in place; returns the new start inside s. */
char *str_trim(char *s);

/* How many of the n bytes at s are ASCII before the first that isn't. */
size_t str_ascii_run(const char *s, size_t n);

/* Is [s, s + n) well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool str_utf8_valid(const char *s, size_t n);

#define STR_UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD: stands where there were bytes that are no UTF-8 */

/* A decimal number without sign, the whole of text, at most max; -1 otherwise. */
int str_parse_u64(uint64_t *value_r, const char *text, uint64_t max) MUST_CHECK;

#endif
