/* ingest_check: does a message say what its sender says of it? */
#ifndef QUERYD_INGEST_CHECK_H
#define QUERYD_INGEST_CHECK_H

#include "mail/parsed.h"
#include "queryd/body.h"

#define INGEST_ATTACHMENTS_MAX 10000

/* Are the fields `participants` and `attachments` of a checked body, where they are there, well-formed? -1: the response. */
int ingest_check_form(struct call *c, const cJSON *body) MUST_CHECK;

/* Do they agree with what was read of the message? -1: the response says which does not. */
int ingest_check(struct call *c, const cJSON *body, const struct parsed *p) MUST_CHECK;

#endif
