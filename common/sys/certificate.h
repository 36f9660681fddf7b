/* certificate: until when a certificate is good. */
#ifndef SYS_CERTIFICATE_H
#define SYS_CERTIFICATE_H

#include "base/err.h"

#include <stdint.h>

/* The end of the first certificate in a PEM file. -1 temporary: it can't be read; permanent: it is no certificate. */
int certificate_end(const char *path, int64_t *end_us_r, struct err *e) MUST_CHECK;

#endif
