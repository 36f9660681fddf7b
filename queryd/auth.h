/* auth: who asks. */
#ifndef QUERYD_AUTH_H
#define QUERYD_AUTH_H

#include "queryd/call.h"

/* Finds the session behind the request's access token and its account: c->session, c->account; or the account of a program by
 * its token and certificate, with a session that has only a strength. -1: the response says why
 * not (401 with WWW-Authenticate, or 503). */
int auth_bearer(struct call *c) MUST_CHECK;

/* The same by the session alone, for what names it in a way that can't be made up: 1; 0: it has ended, or is not this
 * account's; -1: the response says why it can't be told. */
int auth_by_session(struct call *c, uint64_t account_id, const struct uuid *session_id) MUST_CHECK;

/* Has the second factor been shown lately enough (conf->queryd_mfa_session_us) for a route that is `fresh`? After
 * auth_bearer(). -1: the response asks for it, and that is on record where the route is. */
int auth_fresh(struct call *c) MUST_CHECK;

/* The response: 401 that asks for a second factor (RFC 9470), a problem of type step-up. */
void auth_ask_factor(struct call *c, const char *detail);

#endif
