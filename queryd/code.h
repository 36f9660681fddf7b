/* code: one-time codes (RFC 6238: SHA-1, six digits, 30 seconds, one step to either side). */
#ifndef QUERYD_CODE_H
#define QUERYD_CODE_H

#include "queryd/call.h"

/* Is the code one of c->account's and used for the first time? It takes a try (meta/account.h), and without tries left no
 * code is right. 1, 0, -1. */
int code_use(struct call *c, const char *code, struct err *e) MUST_CHECK;

/* Takes a try of c->account: 1, 0 when none is left, which is logged, -1. */
int code_try(struct call *c, struct err *e) MUST_CHECK;

/* Does the code belong to this sealed secret now, and to which step? 1, 0, -1. */
int code_match(const struct call *c, const void *sealed, size_t n, const char *code, uint64_t *step_r, struct err *e)
	MUST_CHECK;

#endif
