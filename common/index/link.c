#include "index/link.h"

#include "base/hex.h"
#include "sys/digest.h"

#include <string.h>

struct link link_of(const char *id)
{
	uint8_t whole[SHA256_SIZE];
	struct link l;

	sha256_of(id, strlen(id), whole);
	memcpy(l.bytes, whole, LINK_SIZE);
	return l;
}

char *link_format(char text[LINK_TEXT_SIZE], const struct link *l)
{
	hex_encode(text, l->bytes, LINK_SIZE);
	return text;
}

int link_parse(struct link *l_r, const char *text)
{
	return hex_decode(l_r->bytes, LINK_SIZE, text);
}
