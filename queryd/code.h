/* code: one-time codes (RFC 6238: SHA-1, six digits, 30 seconds, one step to either side). */
#ifndef QUERYD_CODE_H
#define QUERYD_CODE_H

#include "queryd/call.h"

/* Is the code one of c->account's and used for the first time? It takes a try (meta/account.h), and without tries left no
 * code is right. 1, 0, -1. */
int code_use(struct call *c, const char *code, struct err *e) MUST_CHECK;

#endif
