/* facets: the counts beside a search: by sender, department, month and type of attachment. */
#ifndef QUERYD_FACETS_H
#define QUERYD_FACETS_H

#include "meta/department_group.h"
#include "queryd/call.h"
#include "queryd/query.h"

/* The bits of the names in `list`. -1: the response says which is none. */
int facets_read(struct call *c, const struct strv *list, unsigned *wanted_r) MUST_CHECK;

/* What the index is to count for a search. */
struct facets {
	struct index_facets_request request;
	struct department_groups groups;
	struct index_group *list;
};

/* A department counts by those of its mailboxes that are in the scope, as a search within it finds. The request to the index,
 * which is f's and needs facets_deinit(); NULL: nothing was asked for, or the departments can't be read. */
const struct index_facets_request *facets_ask(struct call *c, const struct scope *scope, const struct search_request *r, struct facets *f);
void facets_deinit(struct facets *f);

/* What was counted beside a page, as the member "facets" of an answer that was asked for some; null where that failed: the
 * page is shown all the same. */
void facets_add(struct call *c, const struct facets *f, const struct search_request *r, struct index_page *page, cJSON *answer);

#endif
