/* digest: SHA-256 (FIPS 180-4) over OpenSSL, whole or piece by piece. */
#ifndef SYS_DIGEST_H
#define SYS_DIGEST_H

#include "base/mem.h"

#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_TEXT_SIZE (2 * SHA256_SIZE + 1)

struct sha256; /* one running computation; not shared between threads */

struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *data, size_t n);
void sha256_finish(struct sha256 *h, uint8_t digest_r[SHA256_SIZE]); /* add and finish no more afterwards */
/* Of what was added up to now; more may be. */
void sha256_so_far(const struct sha256 *h, uint8_t digest_r[SHA256_SIZE]);

void sha256_freep(struct sha256 **h);

void sha256_of(const void *data, size_t n, uint8_t digest_r[SHA256_SIZE]);

#endif
