#include "sys/qr_svg.h"

#include "base/buf.h"

#include <qrencode.h>
#include <stdbool.h>

#define QUIET 4 /* modules of light around it (ISO/IEC 18004) */
#define SVG_MAX (1024u * 1024)

/* Each run of dark modules of a line is a bar. */
static int add_line(struct buf *b, const QRcode *code, int y)
{
	for (int x = 0, end; x < code->width; x = end) {
		bool dark = code->data[y * code->width + x] & 1;

		for (end = x + 1; end < code->width && (code->data[y * code->width + end] & 1) == dark;)
			end++;
		if (dark && buf_printf(b, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, end - x, end - x) < 0)
			return -1;
	}
	return 0;
}

static int draw(struct buf *b, const QRcode *code)
{
	int size = code->width + 2 * QUIET;
	int rc = buf_printf(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
			       "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path fill=\"#000\" d=\"", size, size, size, size);

	for (int y = 0; y < code->width && rc == 0; y++)
		rc = add_line(b, code, y);
	return rc < 0 ? -1 : buf_add_str(b, "\"/></svg>");
}

char *qr_svg(const char *text)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(SVG_MAX);
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);

	if (!code)
		return NULL;
	int rc = draw(&b, code);

	QRcode_free(code);
	return rc < 0 ? NULL : buf_take(&b);
}
