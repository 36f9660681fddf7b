/* auth: who asks. */
#ifndef QUERYD_AUTH_H
#define QUERYD_AUTH_H

#include "queryd/call.h"

/* Finds the account behind the request's access token: c->account. -1: the response says why not (401 with
 * WWW-Authenticate, or 503). */
int auth_bearer(struct call *c) MUST_CHECK;

#endif
