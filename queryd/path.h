/* path: the path of a request target, taken apart and decoded. Pure.
 *
 * "/api/v1/archive/emails/…/" becomes "api", "v1", "archive", "emails", "…": one slash at the end is dropped, a segment
 * between two slashes stays as "". Escapes are decoded after the splitting, so that %2F never separates. Refused: bad
 * escapes, %00 and other control characters, bytes outside printable ASCII that are not escaped, text that is not
 * UTF-8, and a query (no endpoint takes one). */
#ifndef QUERYD_PATH_H
#define QUERYD_PATH_H

#include "base/strv.h"

/* target: origin form or absolute form (RFC 9112, 3.2). Adds to *segments_r; -1 with the reason for the client. */
int path_parse(struct strv *segments_r, const char *target, const char **why_r) MUST_CHECK;

#endif
