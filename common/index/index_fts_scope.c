#include "index/index_fts_scope.h"

#include "base/hex.h"

#include <stdio.h>

char *fts_mailbox_token(char text[FTS_TOKEN_SIZE], const uint8_t digest[MAILBOX_DIGEST_SIZE])
{
	text[0] = '\x02';
	text[1] = 'm';
	hex_encode(text + 2, digest, MAILBOX_DIGEST_SIZE);
	return text;
}

_Static_assert(LINK_SIZE == MAILBOX_DIGEST_SIZE, "a token holds either");

char *fts_link_token(char text[FTS_TOKEN_SIZE], const struct link *l)
{
	text[0] = '\x02';
	text[1] = 'l';
	link_format(text + 2, l);
	return text;
}

unsigned fts_size_class(uint64_t size)
{
	unsigned bits = 0;

	for (; size && bits < FTS_SIZE_CLASSES - 1; size >>= 1)
		bits++;
	return bits;
}

char *fts_size_token(char text[FTS_TOKEN_SIZE], unsigned size_class)
{
	snprintf(text, FTS_TOKEN_SIZE, "\x02s%u", size_class);
	return text;
}
