/* pack: the one binary encoding of the tree: big-endian integers, byte strings behind a 32-bit length.
 *
 * Used for ledger records (where it is canonical: one value has one encoding) and between daemon and parser worker.
 * Writing goes to a struct buf and fails when its maximum is reached. Reading never passes the end: after the first
 * failure every further read fails too and gives zeros, so a reader may check once, at the end. */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include "base/buf.h"

#include <stdbool.h>

int pack_u8(struct buf *b, uint8_t value) MUST_CHECK;
int pack_u32(struct buf *b, uint32_t value) MUST_CHECK;
int pack_u64(struct buf *b, uint64_t value) MUST_CHECK;
int pack_i64(struct buf *b, int64_t value) MUST_CHECK;
int pack_bytes(struct buf *b, const void *data, size_t n) MUST_CHECK; /* length, then the bytes */
int pack_str(struct buf *b, const char *s) MUST_CHECK;		      /* as pack_bytes; NULL is written as "" */

struct unpack {
	const uint8_t *at, *end;
	bool failed;
};

#define UNPACK_INIT(data, n) ((struct unpack){ .at = (const uint8_t *)(data), .end = (const uint8_t *)(data) + (n) })

uint8_t unpack_u8(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
int64_t unpack_i64(struct unpack *u);

/* A view into the input; *n_r bytes. NULL and 0 on failure. */
const uint8_t *unpack_bytes(struct unpack *u, size_t *n_r);

/* A NUL-terminated copy that the caller frees (a NUL inside cuts it); NULL on failure. */
char *unpack_str(struct unpack *u);

/* 0 when every read succeeded and nothing is left over. */
int unpack_end(const struct unpack *u) MUST_CHECK;

#endif
