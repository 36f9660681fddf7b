/* cases: what belongs to one matter: its members, the holds placed for it, notes, and tags on messages. For an account that
 * is no member of a case there is no such case. */
#ifndef QUERYD_CASES_H
#define QUERYD_CASES_H

#include "meta/case.h"
#include "queryd/route.h"
#include "sys/json.h"

extern const struct route case_routes[];

/* The case that the path names, if the account is a member of it, after the intent with this detail, which it frees. Caller
 * deinits. -1: the response is set. */
int cases_find(struct call *c, cJSON *detail, struct legal_case *k_r) MUST_CHECK;

/* The case that the body's field "case" names for something to be put in: an open one that the account is a member of. -1: the
 * response is set, and who tried is on record. */
int cases_named(struct call *c, const char *text, struct uuid *id_r) MUST_CHECK;

#endif
