/* coverage: what a search can't have found: of the messages in its scope, those that are not in the index, or not whole. */
#ifndef QUERYD_COVERAGE_H
#define QUERYD_COVERAGE_H

#include "queryd/call.h"

/* Of the scope, now or a moment ago (queryd/counts.h), as the member "coverage" of an answer. What the index can't tell at
 * the moment is null. -1: the database can't be read. */
int coverage_add(struct call *c, struct index *index, const struct scope *scope, cJSON *answer, struct err *e) MUST_CHECK;

#endif
