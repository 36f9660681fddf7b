/* token_known: what tokens say whose signature one keyring found good. Looking at a signature takes longer than all else that
 * letting a request in does, and a token comes with hundreds of requests. Times, the session and the account are none of its
 * business: they are looked at each time. Any thread. */
#ifndef QUERYD_TOKEN_KNOWN_H
#define QUERYD_TOKEN_KNOWN_H

#include "queryd/token.h"
#include "sys/digest.h"

#include <stdbool.h>

struct token_known;

struct token_known *token_known_new(void) __attribute__((returns_nonnull));
void token_known_freep(struct token_known **k);

/* digest: of the whole token. */
bool token_known_find(struct token_known *k, const uint8_t digest[SHA256_SIZE], struct token_claims *c_r);

/* May forget another one. */
void token_known_keep(struct token_known *k, const uint8_t digest[SHA256_SIZE], const struct token_claims *c);

#endif
