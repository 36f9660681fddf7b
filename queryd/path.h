/* path: the path and the query of a request target, taken apart and decoded. Pure.
 *
 * "/api/v1/archive/emails/…/" becomes "api", "v1", "archive", "emails", "…": one slash at the end is dropped, a segment
 * between two slashes stays as "". Escapes are decoded after the splitting, so that %2F never separates. Refused: bad
 * escapes, %00 and other control characters, bytes outside printable ASCII that are not escaped, and text that is not
 * UTF-8.
 *
 * "?limit=5&cursor=a%2Bb" becomes the names "limit", "cursor" and the values "5", "a+b". Each is name=value with a name that
 * comes once, else it is refused; a plus sign is a blank, as forms and nearly all libraries send it. */
#ifndef QUERYD_PATH_H
#define QUERYD_PATH_H

#include "base/strv.h"

/* target: origin form or absolute form (RFC 9112, 3.2). Adds to *segments_r; -1 with the reason for the client. */
int path_parse(struct strv *segments_r, const char *target, const char **why_r) MUST_CHECK;

/* Adds the parameters of the query to *names_r and *values_r, which stay of one length. As path_parse(). */
int path_parse_query(struct strv *names_r, struct strv *values_r, const char *target, const char **why_r) MUST_CHECK;

#endif
