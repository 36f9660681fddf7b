/* openapi: GET /api/v1/openapi.json: the description of this interface. Each area has a part of it, openapi/<area>.json,
 * compiled in; base.json has what all refer to. Each is an OpenAPI document with only its own paths and components.
 * tests/unit/queryd/test_openapi proves that they and the route tables name the same. */
#ifndef QUERYD_OPENAPI_H
#define QUERYD_OPENAPI_H

#include "queryd/route.h"

extern const struct route openapi_routes[];

/* The parts joined, *n_r bytes. Two parts that say something else of the same end the process. Any thread. */
const char *openapi_text(size_t *n_r);

#endif
