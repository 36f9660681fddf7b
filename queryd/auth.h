/* auth: who asks. */
#ifndef QUERYD_AUTH_H
#define QUERYD_AUTH_H

#include "queryd/call.h"

/* Finds the account behind the request's access token: c->account. -1: the response says why not (401 with
 * WWW-Authenticate, or 503). */
int auth_bearer(struct call *c) MUST_CHECK;

/* Has the second factor been shown lately enough for a route that is `fresh`? After auth_bearer(). -1: the response asks
 * for it. */
int auth_fresh(struct call *c) MUST_CHECK;

#endif
