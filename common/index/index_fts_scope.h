/* index_fts_scope: the tokens of the column scope: facts about a message that no text may
 * counterfeit.
 *
 * They begin with a control character, which the tokenizer never gives, and mailboxes stand in
 * them as digests: an address can hold any character and be of any length. Pure. */
#ifndef INDEX_INDEX_FTS_SCOPE_H
#define INDEX_INDEX_FTS_SCOPE_H

#include "base/mem.h"
#include "index/link.h"
#include "index/mailbox_digest.h"

#include <stdint.h>

#define FTS_TOKEN_SIZE (2 + 2 * MAILBOX_DIGEST_SIZE + 1)
/* The last holds all from 2 GiB on: looking for a class costs, whether it is there or not. */
#define FTS_SIZE_CLASSES 33

#define FTS_TOKEN_ATTACHMENT "\x02" "a"
#define FTS_TOKEN_TRUNCATED "\x02" "t"
#define FTS_TOKEN_UNREADABLE "\x02" "u"

char *fts_mailbox_token(char text[FTS_TOKEN_SIZE], const uint8_t digest[MAILBOX_DIGEST_SIZE]);

char *fts_link_token(char text[FTS_TOKEN_SIZE], const struct link *l);

/* The class of a size: how many bits it needs, at most FTS_SIZE_CLASSES - 1. */
unsigned fts_size_class(uint64_t size);
char *fts_size_token(char text[FTS_TOKEN_SIZE], unsigned size_class);

#endif
