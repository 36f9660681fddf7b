/* openapi: GET /api/v1/openapi.json: the description of this interface, openapi.json beside this file compiled in.
 * tests/unit/queryd/test_openapi proves that it and the route table name the same. */
#ifndef QUERYD_OPENAPI_H
#define QUERYD_OPENAPI_H

#include "queryd/call.h"

void openapi_document(struct call *c);

/* The text itself, *n_r bytes. */
const char *openapi_text(size_t *n_r);

#endif
