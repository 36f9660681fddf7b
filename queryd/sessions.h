/* sessions: going on with a session, proving oneself again in it, and ending it.
 *
 * POST auth/refresh: {"refresh_token"} → the tokens of queryd/session_begin.h; the token that was sent is used up. One that was
 *	used before ends its session (queryd/refresh_token.h).
 * POST auth/step-up: {"code"} → {"expires_in"}: the second factor counts from now on, for all access tokens of the session.
 * POST auth/logout: ends the session of the access token.
 * GET auth/sessions/, DELETE auth/sessions/{id}: of the one who asks.
 * GET, DELETE users/{id}/sessions/: all of somebody else.
 *
 * A session that has ended is dead for all replicas: each of them reads it with every request. */
#ifndef QUERYD_SESSIONS_H
#define QUERYD_SESSIONS_H

#include "queryd/route.h"

extern const struct route sessions_routes[];

#endif
