/* route: which handler answers what, who may ask it, and under which name it is audited: one table. */
#ifndef QUERYD_ROUTE_H
#define QUERYD_ROUTE_H

#include "queryd/call.h"

struct route {
	enum method method;
	const char *pattern;	/* "/api/v1/archive/emails/{id}/content"; a slash at the end does not matter */
	const char *permission; /* that a signed-in account must have; NULL: no sign-in */
	const char *action;	/* in the audit; NULL: shows nothing that is audited */
	/* Sets c->response. Before anything that is audited it writes the intent. */
	void (*handle)(struct call *c);
};

/* All routes, ended by one without a handler. */
extern const struct route routes[];

/* Answers the request: finds the route, asks auth and authz, calls the handler and writes the audit's outcome, except
 * when the response has `content`: then who hands it over writes it before the last block. */
void route_dispatch(struct call *c);

#endif
