/* facets: the counts beside a search: by sender, department, month and type of attachment. */
#ifndef QUERYD_FACETS_H
#define QUERYD_FACETS_H

#include "queryd/call.h"
#include "queryd/query.h"

/* The bits of the names in `list`. -1: the response says which is none. */
int facets_read(struct call *c, const struct strv *list, unsigned *wanted_r) MUST_CHECK;

/* Counts what the request asks for, as the member "facets" of an answer; null when that fails: the page is shown all the
 * same. A department counts by those of its mailboxes that are in the scope, as a search within it finds. */
void facets_add(struct call *c, struct index *index, const struct scope *scope, const struct search_request *r, cJSON *answer);

#endif
