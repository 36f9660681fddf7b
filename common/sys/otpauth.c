#include "sys/otpauth.h"

#include "base/percent.h"

#define ISSUER "Strongroom"

char *otpauth_base32(const uint8_t *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char *text = mem_alloc((n * 8 + 4) / 5 + 1, 1), *to = text;
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | bytes[i];
		for (count += 8; count >= 5; count -= 5)
			*to++ = digits[bits >> (count - 5) & 31];
	}
	if (count)
		*to = digits[bits << (5 - count) & 31];
	return text;
}

char *otpauth_url(const char *username, const uint8_t *secret, size_t n)
{
	_free_ char *name = percent_encode(username), *digits = otpauth_base32(secret, n);

	return mem_printf("otpauth://totp/" ISSUER ":%s?secret=%s&issuer=" ISSUER, name, digits);
}
