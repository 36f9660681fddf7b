/* rfc2047: encoded words in header fields, also broken ones: split within a character, padded in
 * the middle, with blanks inside, next to 8-bit text that names no charset. */
#ifndef PARSER_RFC2047_H
#define PARSER_RFC2047_H

#include "base/strv.h"
#include "parser/span.h"

#include <stdint.h>

/* The text as UTF-8. *flags: enum parse_flag that came up. Caller frees. */
char *rfc2047_decode(struct span text, uint32_t *flags);

/* Structured fields are taken apart first and decoded then: encoded words may hold commas and the
 * like, and not every parser that is to take them apart decodes well. Masking puts an atom in place
 * of each encoded word; unmasking a value decodes it. */
char *rfc2047_mask(struct strv *words, const char *text);
char *rfc2047_unmask(const struct strv *words, const char *masked, uint32_t *flags);

#endif
