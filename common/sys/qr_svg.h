/* qr_svg: a QR code as a picture. */
#ifndef SYS_QR_SVG_H
#define SYS_QR_SVG_H

#include "base/mem.h"

/* Text as a QR code in SVG, dark on light with a margin; NULL when it is too long for one. Caller frees. */
char *qr_svg(const char *text);

#endif
