/* content_disposition: the Content-Disposition header field that makes a browser save, never show (RFC 6266, RFC 8187). Pure. */
#ifndef QUERYD_CONTENT_DISPOSITION_H
#define QUERYD_CONTENT_DISPOSITION_H

#include "base/mem.h"

#define CONTENT_DISPOSITION_NAME_MAX 200 /* bytes of the file name that are kept */

/* `attachment; filename="r_sum_.pdf"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf`. Directories are cut off the name, control
 * characters replaced; an empty name becomes `fallback`. Caller frees. */
char *content_disposition_attachment(const char *name, const char *fallback) __attribute__((returns_nonnull));

#endif
