/* ingest_body: the body of an ingest request is JSON of up to 96 MiB, nearly all of it one string: the message in base64.
 * cJSON would hold it several times over; so the string is decoded where it stands and taken out of the text, and the rest, which is
 * small, is read as any other body. Pure. */
#ifndef QUERYD_INGEST_BODY_H
#define QUERYD_INGEST_BODY_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* The message: bytes inside the body. */
struct ingest_message {
	const uint8_t *bytes;
	size_t n;
};

/* Finds the member `name` of the object in the body, decodes it in place (RFC 4648, section 4: padded, nothing between), and puts
 * an empty string in its place into *rest_r, which is the caller's. The rest is not checked otherwise, only copied.
 * False: there is no such member that is a string (then it is all in *rest_r, if there is room), with *bad_r when it is no base64. */
bool ingest_body_split(struct buf *body, const char *name, struct ingest_message *message_r, struct buf *rest_r, bool *bad_r);

#endif
