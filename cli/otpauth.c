#include "cli/otpauth.h"

#include "base/buf.h"

#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

#define ISSUER "Strongroom"
#define QUIET 2 /* modules of light around it */

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

static char *percent_encode(const char *text)
{
	char *encoded = mem_alloc(strlen(text) * 3 + 1, 1), *to = encoded;

	for (; *text; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			(*text >= '0' && *text <= '9') || strchr("-._~", *text);

		to += sprintf(to, plain ? "%c" : "%%%02X", (unsigned char)*text); /* 3 at most, as allocated */
	}
	return encoded;
}

char *otpauth_url(const char *username, const uint8_t *secret, size_t n)
{
	_free_ char *name = percent_encode(username), *digits = otpauth_base32(secret, n);

	return mem_printf("otpauth://totp/" ISSUER ":%s?secret=%s&issuer=" ISSUER, name, digits);
}

static bool dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

/* Two rows of modules a line: the light ones are painted, on black. */
static void draw_line(const QRcode *code, int y, FILE *out)
{
	static const char *const halves[] = { "█", "▀", "▄", " " };

	fputs("\033[40;97m", out);
	for (int x = -QUIET; x < code->width + QUIET; x++)
		fputs(halves[(dark(code, x, y) ? 2 : 0) + (dark(code, x, y + 1) ? 1 : 0)], out);
	fputs("\033[0m\n", out);
}

int otpauth_draw(const char *text, FILE *out)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);

	if (!code)
		return -1;
	for (int y = -QUIET; y < code->width + QUIET; y += 2)
		draw_line(code, y, out);
	QRcode_free(code);
	return 0;
}
