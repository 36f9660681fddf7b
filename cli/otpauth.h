/* otpauth: the URL by which an authenticator program learns a one-time-password secret, and its QR code. */
#ifndef CLI_OTPAUTH_H
#define CLI_OTPAUTH_H

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>

/* RFC 4648 base32 in upper case, without padding. Caller frees. */
char *otpauth_base32(const uint8_t *bytes, size_t n);

/* otpauth://totp/Strongroom:<user>?secret=…&issuer=Strongroom (SHA-1, 6 digits, 30 s, as all programs assume). Caller
 * frees. */
char *otpauth_url(const char *username, const uint8_t *secret, size_t n);

/* Draws text as a QR code for a terminal of UTF-8, dark on light whatever its colours; -1 when it is too long. */
int otpauth_draw(const char *text, FILE *out) MUST_CHECK;

#endif
