#include "sys/base64url.h"

#include <sodium.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

char *base64url_encode(const void *bytes, size_t n)
{
	size_t size = sodium_base64_encoded_len(n, VARIANT);
	char *text = mem_alloc(size, 1);

	return sodium_bin2base64(text, size, bytes, n, VARIANT);
}

int base64url_decode(uint8_t **bytes_r, size_t *n_r, const char *text, size_t n)
{
	_free_ uint8_t *bytes = mem_alloc(n, 1);

	if (sodium_base642bin(bytes, n, text, n, NULL, n_r, NULL, VARIANT) < 0)
		return -1;
	*bytes_r = bytes;
	bytes = NULL;
	return 0;
}
