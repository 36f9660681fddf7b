/* etag: which version of a resource is told, and which one is meant (RFC 9110, 8.8.3 and 13). Tags are strong: the number
 * of a row's version, or a digest of what is told. */
#ifndef QUERYD_ETAG_H
#define QUERYD_ETAG_H

#include "queryd/call.h"

#define ETAG_SIZE 40 /* with the NUL, without the quotes */

void etag_of_version(char tag_r[ETAG_SIZE], uint64_t version);

/* Of what has this digest. */
void etag_of_digest(char tag_r[ETAG_SIZE], const uint8_t digest[SHA256_SIZE]);

/* Of the response's body as it is set. */
void etag_of_body(char tag_r[ETAG_SIZE], const struct response *r);

/* Before a change: -1 when If-Match is there and does not name the tag: the response is a 412. Whoever changes must compare
 * the version again in the statement that changes. */
int etag_check(struct call *c, const char *tag) MUST_CHECK;

/* Does If-None-Match name it? Where making the response is dear; else etag_answer() looks. */
bool etag_is_known(const struct call *c, const char *tag);

/* After the response is set: adds the ETag, and makes that of a GET or HEAD a 304 when If-None-Match names it. */
void etag_answer(struct call *c, const char *tag);

#endif
