/* jwks: GET auth/jwks.json: the public keys of access tokens, for programs that check them themselves (RFC 7517). */
#ifndef QUERYD_JWKS_H
#define QUERYD_JWKS_H

#include "queryd/route.h"

extern const struct route jwks_routes[];

#endif
