/* metadata: GET /api/v1/archive/emails/{id}/: what is known of a message: what it says itself, what the capture saw, what the
 * ledger keeps, for how long it is locked, and a URL with which it can be fetched without an access token. */
#ifndef QUERYD_METADATA_H
#define QUERYD_METADATA_H

#include "queryd/route.h"

/* And GET …/download, which that URL names. */
extern const struct route metadata_routes[];

#endif
