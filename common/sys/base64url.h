/* base64url: bytes as the text that tokens are made of (RFC 7515, 2): base64 of RFC 4648, 5, without padding. */
#ifndef SYS_BASE64URL_H
#define SYS_BASE64URL_H

#include "base/mem.h"

#include <stdint.h>

/* Caller frees. */
char *base64url_encode(const void *bytes, size_t n) __attribute__((returns_nonnull));

/* The n characters at text, every one of which counts: *bytes_r is the caller's to free. -1: they are not base64url, or not in
 * the one form that the bytes have. */
int base64url_decode(uint8_t **bytes_r, size_t *n_r, const char *text, size_t n) MUST_CHECK;

#endif
