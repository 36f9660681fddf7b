/* marks: what of a query is marked in the texts that a hit shows, the same for every driver. Pure. */
#ifndef INDEX_MARKS_H
#define INDEX_MARKS_H

#include "index/query.h"
#include "index/tokenize.h"

#define MARKS_TEXT_MAX (64u * 1024) /* bytes of a body, and of a subject, that an index keeps for snippets */

/* How much of a text that is; never cut inside a character. */
size_t marks_text_length(const char *text);

/* The phrases that must or may occur (none below a NOT), by the field that is shown. */
struct marks;

struct marks *marks_new(const struct query *q, struct tokenizer *t) __attribute__((returns_nonnull));
void marks_freep(struct marks **m);

/* The piece of the body around its first hits, or else of the subject, or else the beginning of either (index/snippet.h).
 * Caller frees. */
char *marks_snippet(const struct marks *m, struct tokenizer *t, const char *subject, const char *body);

#endif
