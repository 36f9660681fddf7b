/* percent: text as a part of a URL (RFC 3986, 2.1). */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/mem.h"

/* Every byte but letters, digits and "-._~" as %XX. Caller frees. */
char *percent_encode(const char *text) __attribute__((returns_nonnull));

#endif
