#include "index/index_fts_scope.h"

#include "base/hex.h"
#include "sys/digest.h"

#include <stdio.h>
#include <string.h>

void fts_mailbox_digest(uint8_t digest_r[FTS_MAILBOX_SIZE], const char *normal)
{
	uint8_t whole[SHA256_SIZE];

	sha256_of(normal, strlen(normal), whole);
	memcpy(digest_r, whole, FTS_MAILBOX_SIZE);
}

char *fts_mailbox_token(char text[FTS_TOKEN_SIZE], const uint8_t digest[FTS_MAILBOX_SIZE])
{
	text[0] = '\x02';
	text[1] = 'm';
	hex_encode(text + 2, digest, FTS_MAILBOX_SIZE);
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
