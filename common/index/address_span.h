/* address_span: where a mail address stands around an @ in running text. Pure.
 *
 * Two readings, because what touches an address in running text may or may not belong to it (email=a@example.org;
 * Chinese or Japanese text without blanks): `core` takes letters, digits and . _ + - ' and ends where a script without
 * blanks begins; `wide` takes every character that may stand in an address. */
#ifndef INDEX_ADDRESS_SPAN_H
#define INDEX_ADDRESS_SPAN_H

#include "base/mem.h"

#include <stdbool.h>

#define ADDRESS_PART_MAX 256 /* bytes looked at on either side of the @ */

struct address_span {
	size_t start, end; /* bytes; start == end: none */
};

/* text[at] is an @ in valid UTF-8 of n bytes; nothing before `from` is looked at. Either span may be none; they may be
 * equal. */
void address_span_find(const char *text, size_t n, size_t from, size_t at, struct address_span *wide_r,
	struct address_span *core_r);

#endif
