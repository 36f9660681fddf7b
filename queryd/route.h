/* route: which handler answers what, who may ask it, and under which name it is audited: a table in the file of each area,
 * and the list of them in route.c. */
#ifndef QUERYD_ROUTE_H
#define QUERYD_ROUTE_H

#include "queryd/call.h"

#define ROUTE_V1 "/api/v1"

/* Parsed JSON is much larger than its text: who has not signed in gets little of it. */
#define ROUTE_BODY_UNKNOWN (16u * 1024)
#define ROUTE_BODY_JSON REQUEST_BODY_MAX

struct route {
	enum method method;
	const char *pattern;	/* "/api/v1/archive/emails/{id}/content"; a slash at the end does not matter */
	const char *permission; /* that a signed-in account must have, or ROUTE_ANYBODY; NULL: no sign-in */
	const char *action;	/* in the audit; NULL: shows nothing that is audited */
	bool fresh;		/* the second factor must have been shown lately (queryd/auth.h) */
	bool program;		/* for accounts of programs alone */
	bool turn;		/* asks the index so much that it waits for a turn, as a search does (queryd/turns.h) */
	const char *const *parameters; /* names that the query may hold, ended by NULL; NULL: none */
	bool more_parameters; /* the query may hold others besides, which are not looked at */
	size_t body_max;	/* bytes; 0: takes no body. Over REQUEST_BODY_MAX: who asks is looked at before it is read */
	/* Sets c->response. Before anything that is audited it writes the intent. */
	void (*handle)(struct call *c);
};

/* The permission of a route that is for everybody who has signed in: for people, about their own account. */
#define ROUTE_ANYBODY ""

/* The tables of all areas, ended by NULL; each ends with a row without a handler. */
extern const struct route *const route_areas[];

/* The head of the request is there, its body not yet: how large that may be. False: the response is set already, with its
 * outcome in the audit: the body is not worth reading. */
bool route_begin(struct call *c, size_t *body_max_r) MUST_CHECK;

/* Answers the request: finds the route, asks auth and authz, calls the handler and writes the audit's outcome, except
 * when the response has `content`: then who hands it over writes it before the last block. */
void route_dispatch(struct call *c);

#endif
