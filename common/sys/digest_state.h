/* digest_state: SHA-256 whose computation can be written down and gone on with in another process, which sys/digest.h can't:
 * for what is too long to be read again. Over Nettle. */
#ifndef SYS_DIGEST_STATE_H
#define SYS_DIGEST_STATE_H

#include "base/pack.h"
#include "sys/digest.h"

struct sha256_state; /* one running computation; not shared between threads */

struct sha256_state *sha256_state_new(void) __attribute__((returns_nonnull));
void sha256_state_add(struct sha256_state *h, const void *data, size_t n);
void sha256_state_finish(struct sha256_state *h, uint8_t digest_r[SHA256_SIZE]); /* add and finish no more afterwards */
void sha256_state_freep(struct sha256_state **h);

/* Where it is, to be read with sha256_state_unpack(); -1 when b is full. */
int sha256_state_pack(const struct sha256_state *h, struct buf *b) MUST_CHECK;

/* Goes on where another one was. -1: that is no state; h is to be freed. */
int sha256_state_unpack(struct sha256_state *h, struct unpack *u) MUST_CHECK;

#endif
