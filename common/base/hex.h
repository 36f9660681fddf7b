/* hex: bytes as lower-case hexadecimal text. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/mem.h"

#include <stdint.h>

/* Writes 2 * n digits and a NUL to text. */
void hex_encode(char *text, const uint8_t *bytes, size_t n);

/* Reads exactly 2 * n digits of either case and the end of text; -1 on anything else. */
int hex_decode(uint8_t *bytes, size_t n, const char *text) MUST_CHECK;

#endif
