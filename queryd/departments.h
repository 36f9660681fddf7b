/* departments: named lists of mailboxes, by which scopes are given and searches narrowed: /api/v1/departments/; and the same
 * seen from the mailbox: /api/v1/mailboxes/. A mailbox is there as long as it is in a department. */
#ifndef QUERYD_DEPARTMENTS_H
#define QUERYD_DEPARTMENTS_H

#include "queryd/route.h"

extern const struct route department_routes[];
extern const struct route mailbox_routes[]; /* mailboxes.c */

/* Are they all there? -1: the response is a problem that names the field of the request. */
int departments_check(struct call *c, const char *field, const struct strv *names) MUST_CHECK;

/* -1, with a 403, when the department is in the scope of the account that asks, which would see more by what it adds. */
int departments_check_own(struct call *c, const struct strv *names) MUST_CHECK;

#endif
