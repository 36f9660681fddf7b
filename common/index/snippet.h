/* snippet: the piece of a text around its first hits, as HTML text. */
#ifndef INDEX_SNIPPET_H
#define INDEX_SNIPPET_H

#include "index/phrase.h"

#define SNIPPET_BYTES 240 /* of the original text, roughly */

/* Escaped for HTML, blanks and control characters as single spaces, each hit between <mark> and </mark>, an ellipsis
 * where text was left out. NULL when no phrase occurs in text (n bytes of valid UTF-8), or none up to where a
 * text and phrases made to be compared for ever are given up. Caller frees. */
char *snippet_find(struct tokenizer *t, const struct phrase *phrases, size_t phrase_count, const char *text, size_t n);

/* The beginning of text in the same form, without marks. Caller frees. */
char *snippet_begin(const char *text, size_t n);

#endif
