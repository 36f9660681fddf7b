/* facets: what both drivers do alike to answer for facets. Pure. */
#ifndef INDEX_FACETS_H
#define INDEX_FACETS_H

#include "index/tally.h"

#define FACETS_MONTH_SIZE 8 /* "2011-06" and a NUL */

/* The month of an instant, in UTC; returns text. */
char *facets_month(char text[FACETS_MONTH_SIZE], int64_t date_us);

/* A month, and what is in it: from_us <= instant < until_us. */
struct facets_month {
	char text[FACETS_MONTH_SIZE];
	int64_t from_us, until_us;
};

/* Makes it that of an instant, unless it is already. To begin with, all is 0. */
void facets_month_move(struct facets_month *m, int64_t date_us);

/* What was tallied of a facet, as its list. Empties the tally. */
void facets_take(struct tally *t, enum index_facet f, struct index_facet_list *list_r);

/* Replaces the list by the groups that were counted at all; `exact` is left as it is. */
void facets_take_groups(const struct index_facets_request *r, const uint64_t *counts, struct index_facet_list *list);

#endif
