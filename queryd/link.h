/* link: a URL at which one thing can be had for five minutes without an access token: for programs that can't send one, such as
 * a browser's download. What makes it good is the ticket in it (queryd/ticket.h), and that the session in which it was given out
 * goes on: signing out, revoking and narrowing take it away at once. */
#ifndef QUERYD_LINK_H
#define QUERYD_LINK_H

#include "queryd/call.h"

/* {"url", "expires_at"} of what is at path, for this purpose, as "email/<id>"; null for a program: it has no session that could end,
 * and sends its token. The caller's to add. */
cJSON *link_give(const struct call *c, const char *path, const char *purpose);

/* Whose link the request's is, as if he had sent an access token: c->session, c->account; the audit has "link" for what he proved
 * it by. He must still have the permission. -1: the response is set. */
int link_admit(struct call *c, const char *purpose, const char *permission) MUST_CHECK;

/* Parameters of a route that is for links. */
extern const char *const link_parameters[];

#endif
