/* call: one request on its way through route → auth → authz → audit → handler → audit. */
#ifndef QUERYD_CALL_H
#define QUERYD_CALL_H

#include "base/log.h"
#include "meta/session.h"
#include "queryd/request.h"
#include "queryd/response.h"
#include "queryd/service.h"

#define CALL_PARAMETERS_MAX 3

struct route;

struct call {
	struct service *service;
	struct request *request; /* who has read its body may change that, nobody anything else */
	const struct route *route; /* NULL until one is found */
	const char *parameters[CALL_PARAMETERS_MAX]; /* the variable segments of the path, decoded */
	struct account account;	   /* who asks; id 0 before sign-in */
	struct session session;	   /* by which; without strength before sign-in */
	bool program;		   /* it is the account of a program, by its token and certificate */
	bool admitted;		   /* who asks, and that they may, is known already */
	struct uuid audit_id;	   /* of the intent */
	bool audit_open;	   /* an intent without its outcome yet */
	bool audited;		   /* an intent was written */
	uint64_t held;		   /* bytes taken with service_hold() */
	struct response response;
	struct log_context log;
};

#endif
