/* text: what the index gets of a message: valid UTF-8 without NUL, at most PARSED_TEXT_MAX
 * bytes. */
#ifndef PARSER_TEXT_H
#define PARSER_TEXT_H

#include "base/buf.h"
#include "parser/span.h"

struct text {
	struct buf out;
	bool truncated; /* something did not fit */
};

#define TEXT_INIT(maximum) ((struct text){ .out = BUF_INIT(maximum) })

/* Appends; what is not UTF-8 becomes U+FFFD, NUL is left out. */
void text_add(struct text *t, struct span utf8);

/* The next thing begins on a line of its own. */
void text_break(struct text *t);

/* Appends lines of a raw message, leaving out those that look like base64 or uuencoded data. */
void text_add_raw(struct text *t, struct span bytes);

/* Appends the lines that are no base64. */
void text_add_unencoded(struct text *t, struct span bytes);

/* A copy with the same rules, for single values. Caller frees. */
char *text_clean(struct span utf8);

#endif
