#include "sys/digest_state.h"

#include <nettle/sha2.h>
#include <string.h>

struct sha256_state {
	struct sha256_ctx ctx;
};

struct sha256_state *sha256_state_new(void)
{
	struct sha256_state *h = MEM_NEW(struct sha256_state);

	sha256_init(&h->ctx);
	return h;
}

void sha256_state_add(struct sha256_state *h, const void *data, size_t n)
{
	sha256_update(&h->ctx, n, data);
}

void sha256_state_finish(struct sha256_state *h, uint8_t digest_r[SHA256_SIZE])
{
	sha256_digest(&h->ctx, SHA256_SIZE, digest_r);
}

void sha256_state_freep(struct sha256_state **h)
{
	free(*h);
	*h = NULL;
}

/* The chaining value, the blocks that are in it, and the bytes that are not. */
int sha256_state_pack(const struct sha256_state *h, struct buf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(h->ctx.state); i++)
		if (pack_u32(b, h->ctx.state[i]))
			return -1;
	return pack_u64(b, h->ctx.count) || pack_bytes(b, h->ctx.block, h->ctx.index) ? -1 : 0;
}

int sha256_state_unpack(struct sha256_state *h, struct unpack *u)
{
	const uint8_t *rest;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(h->ctx.state); i++)
		h->ctx.state[i] = unpack_u32(u);
	h->ctx.count = unpack_u64(u);
	rest = unpack_bytes(u, &n);
	if (u->failed || n >= sizeof(h->ctx.block))
		return -1;
	h->ctx.index = (unsigned)n;
	if (n)
		memcpy(h->ctx.block, rest, n);
	return 0;
}
