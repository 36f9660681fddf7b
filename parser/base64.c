#include "parser/base64.h"

#include <endian.h>

#define FOREIGN (UINT32_C(1) << 24) /* not of the alphabet; above the 24 bits of a group */

/* What a character adds to its group, by its place in it: a lookup each in place of shifting. */
static uint32_t values[4][256];

static void fill_values(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned place = 0; place < 4; place++) {
		for (size_t c = 0; c < 256; c++)
			values[place][c] = FOREIGN;
		for (uint32_t i = 0; i < 64; i++)
			values[place][(unsigned char)alphabet[i]] = i << (18 - 6 * place);
	}
}

static uint32_t group(const char *at)
{
	const unsigned char *c = (const unsigned char *)at;

	return values[0][c[0]] | values[1][c[1]] | values[2][c[2]] | values[3][c[3]];
}

/* The next four characters that are no line ends: a group may stand on two lines. What follows them; NULL when there
 * are no four. */
static const char *gather(const char *at, const char *end, char four[4])
{
	for (size_t n = 0; n < 4; at++) {
		if (at == end)
			return NULL;
		if (*at != '\r' && *at != '\n')
			four[n++] = *at;
	}
	return at;
}

/* Writes four bytes, of which the last is written over or cut off. */
static void put_group(char *to, uint32_t bits)
{
	bits = htobe32(bits << 8);
	memcpy(to, &bits, sizeof(bits));
}

/* Two groups at a time as long as nothing else comes: half as quick again as one. */
static void decode_pairs(const char **at, const char *end, char **to)
{
	while (end - *at >= 8) {
		uint32_t first = group(*at), second = group(*at + 4);

		if ((first | second) >= FOREIGN)
			return;
		put_group(*to, first);
		put_group(*to + 3, second);
		*to += 6;
		*at += 8;
	}
}

size_t base64_decode_groups(struct span *content, char *to)
{
	const char *at = content->at, *end = span_end(*content);
	char *start = to, four[4];

	if (!values[0][0])
		fill_values();
	for (;;) {
		decode_pairs(&at, end, &to);
		const char *next = gather(at, end, four);
		uint32_t bits = next ? group(four) : FOREIGN;

		if (bits >= FOREIGN)
			break;
		put_group(to, bits);
		to += 3;
		at = next;
	}
	*content = span_between(at, end);
	return (size_t)(to - start);
}
