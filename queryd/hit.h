/* hit: a message in a list of messages: bounded, whoever sent it. */
#ifndef QUERYD_HIT_H
#define QUERYD_HIT_H

#include "mail/scope.h"
#include "queryd/call.h"

struct hit {
	struct uuid id;
	int64_t date_us; /* as search orders by it */
	cJSON *json;	 /* the caller's */
};

/* The message, read from the database under the scope: 1; 0 when it is not there, or not visible, whatever the index says;
 * -1. snippet: NULL leaves that member out. */
int hit_read(struct call *c, const struct scope *scope, const struct uuid *id, const char *snippet, struct hit *h_r,
	struct err *e) MUST_CHECK;

#endif
