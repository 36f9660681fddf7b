/* link: what joins messages to a conversation: the identifiers in Message-ID, In-Reply-To and References. Two are the same
 * when all of their characters are. An index holds their digests: they can be of any length. Pure. */
#ifndef INDEX_LINK_H
#define INDEX_LINK_H

#include "base/mem.h"

#include <stdint.h>

#define LINK_SIZE 16
#define LINK_TEXT_SIZE (2 * LINK_SIZE + 1)

struct link {
	uint8_t bytes[LINK_SIZE]; /* the beginning of the identifier's SHA-256 */
};

/* Of an identifier without its <>. */
struct link link_of(const char *id);

/* In hexadecimal digits; returns text. */
char *link_format(char text[LINK_TEXT_SIZE], const struct link *l);

/* -1 when it is none. */
int link_parse(struct link *l_r, const char *text) MUST_CHECK;

#endif
