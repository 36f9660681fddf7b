#include "base/pack.h"

#include <string.h>

static int add_number(struct buf *b, uint64_t value, int bytes)
{
	uint8_t out[8];

	for (int i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	return buf_add(b, out, (size_t)bytes);
}

int pack_u8(struct buf *b, uint8_t value)
{
	return add_number(b, value, 1);
}

int pack_u32(struct buf *b, uint32_t value)
{
	return add_number(b, value, 4);
}

int pack_u64(struct buf *b, uint64_t value)
{
	return add_number(b, value, 8);
}

int pack_i64(struct buf *b, int64_t value)
{
	return add_number(b, (uint64_t)value, 8);
}

int pack_bytes(struct buf *b, const void *data, size_t n)
{
	if (n > UINT32_MAX || n + 4 > b->max - b->len || pack_u32(b, (uint32_t)n))
		return -1;
	return buf_add(b, data, n);
}

int pack_str(struct buf *b, const char *s)
{
	return pack_bytes(b, s ? s : "", s ? strlen(s) : 0);
}

static const uint8_t *take(struct unpack *u, size_t n)
{
	if (u->failed || n > (size_t)(u->end - u->at)) {
		u->failed = true;
		return NULL;
	}
	const uint8_t *at = u->at;

	u->at += n;
	return at;
}

static uint64_t take_number(struct unpack *u, int bytes)
{
	const uint8_t *at = take(u, (size_t)bytes);
	uint64_t value = 0;

	for (int i = 0; at && i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

uint8_t unpack_u8(struct unpack *u)
{
	return (uint8_t)take_number(u, 1);
}

uint32_t unpack_u32(struct unpack *u)
{
	return (uint32_t)take_number(u, 4);
}

uint64_t unpack_u64(struct unpack *u)
{
	return take_number(u, 8);
}

int64_t unpack_i64(struct unpack *u)
{
	return (int64_t)take_number(u, 8);
}

const uint8_t *unpack_bytes(struct unpack *u, size_t *n_r)
{
	size_t n = unpack_u32(u);
	const uint8_t *at = take(u, n);

	*n_r = at ? n : 0;
	return at;
}

char *unpack_str(struct unpack *u)
{
	size_t n;
	const uint8_t *at = unpack_bytes(u, &n);

	return at ? mem_dup(at, n) : NULL;
}

int unpack_end(const struct unpack *u)
{
	return u->failed || u->at != u->end ? -1 : 0;
}
