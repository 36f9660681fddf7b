/* otpauth: the QR code of a one-time-password secret's URL (sys/otpauth.h). */
#ifndef CLI_OTPAUTH_H
#define CLI_OTPAUTH_H

#include "sys/otpauth.h"

#include <stdio.h>

/* Draws text as a QR code for a terminal of UTF-8, dark on light whatever its colours; -1 when it is too long. */
int otpauth_draw(const char *text, FILE *out) MUST_CHECK;

#endif
