/* snippet_seek: how much of a text can't hold a hit. Cutting text into words takes ten times as long as looking for letters, and
 * the first hit of a long message may be far behind its beginning. Pure. */
#ifndef INDEX_SNIPPET_SEEK_H
#define INDEX_SNIPPET_SEEK_H

#include "index/phrase.h"

/* Where to begin: at a word, behind which tokens are the same as if all had been cut, and before which no phrase begins. n:
 * none does anywhere. Text that is not ASCII is not looked through: there may be a hit. */
size_t snippet_seek(const struct phrase *phrases, size_t phrase_count, const char *text, size_t n);

#endif
