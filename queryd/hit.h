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

/* The messages, read from the database under the scope, in the order of their ids: *n_r in hits_r, which has room for n. Those
 * that are not there, or not visible, are left out, whatever the index says. snippets: of each; NULL leaves that member
 * out. -1: nothing is the caller's. */
int hits_read(struct call *c, const struct scope *scope, const struct uuid *ids, const char *const *snippets, size_t n, struct hit *hits_r,
	size_t *n_r, struct err *e) MUST_CHECK;

#endif
