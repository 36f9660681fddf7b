/* tally: how often each of many texts came. One thread at a time. */
#ifndef INDEX_TALLY_H
#define INDEX_TALLY_H

#include "index/index.h"

/* A search tree: no choice of texts makes it slow. */
struct tally {
	void *root;
	size_t n; /* texts, each once */
};

/* So many more of a text of n bytes. */
void tally_add(struct tally *t, const char *text, size_t n, uint64_t count);

enum tally_order {
	TALLY_FREQUENT, /* the most frequent first, equals by text */
	TALLY_LAST,	/* by text, the last first */
};

/* The first `max` of it, as a list, which the caller frees; `exact` is left as it is. Empties the tally. */
void tally_take(struct tally *t, enum tally_order order, size_t max, struct index_facet_list *list_r);

/* Drops what was not taken. */
void tally_deinit(struct tally *t);

/* Puts a list in order and cuts it to `max`. */
void tally_sort(struct index_facet_list *list, enum tally_order order, size_t max);

#endif
