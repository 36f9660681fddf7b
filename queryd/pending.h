/* pending: sign-ins that have passed the password and wait for the one-time code. Kept in this process alone: after a
 * restart the password is asked for again. Any thread. */
#ifndef QUERYD_PENDING_H
#define QUERYD_PENDING_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define PENDING_TOKEN_SIZE 65	/* 32 random bytes in hexadecimal and a NUL */
#define PENDING_LIFE_S 300
#define PENDING_TRIES_MAX 5	/* codes that may be tried with one token */
#define PENDING_MAX 4096	/* over it the oldest goes */

struct pending;

struct pending *pending_new(void) __attribute__((returns_nonnull));
void pending_freep(struct pending **p);

/* A fresh token for an account; now_us is monotonic. */
void pending_add(struct pending *p, uint64_t account_id, uint64_t generation, int64_t now_us,
	char token_r[PENDING_TOKEN_SIZE]);

/* Uses up a try: true with the account while the token lives and has tries left. */
bool pending_try(struct pending *p, const char *token, int64_t now_us, uint64_t *account_id_r, uint64_t *generation_r);

/* The sign-in is done: false when another one with this token was first. */
bool pending_finish(struct pending *p, const char *token) MUST_CHECK;

#endif
