/* otpauth: the URL by which an authenticator program learns a one-time-password secret. */
#ifndef SYS_OTPAUTH_H
#define SYS_OTPAUTH_H

#include "base/mem.h"

#include <stdint.h>

/* RFC 4648 base32 in upper case, without padding. Caller frees. */
char *otpauth_base32(const uint8_t *bytes, size_t n);

/* otpauth://totp/Strongroom:<user>?secret=…&issuer=Strongroom (SHA-1, 6 digits, 30 s, as all programs assume). Caller
 * frees. */
char *otpauth_url(const char *username, const uint8_t *secret, size_t n);

#endif
