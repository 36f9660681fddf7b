#include "cli/otpauth.h"

#include <qrencode.h>
#include <stdbool.h>

#define QUIET 2 /* modules of light around it */

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
