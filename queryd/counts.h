/* counts: what was counted of a scope a moment ago. Counting a scope of a thousand mailboxes takes most of a second, and
 * every page of a search tells the counts; counting anew each time would take more than the search.
 *
 * A count of many messages is good for a while, and one that took long for so long that counting takes at most a twentieth
 * of the time; what was few and quick is not kept, so that small archives and small scopes are always exact. Counts are found again by the whole scope
 * (all its mailboxes, and its times): nobody gets those of another one. Any thread. */
#ifndef QUERYD_COUNTS_H
#define QUERYD_COUNTS_H

#include "mail/scope.h"
#include "meta/catalog.h"

#define COUNTS_MANY 2000		  /* messages; counting them takes what a page of hits does */
#define COUNTS_QUICK_US INT64_C(50000)	  /* what took less is not kept */
#define COUNTS_GOOD_FOR 20		  /* times as long as it took */
#define COUNTS_AGE_MAX_US INT64_C(30000000) /* and no longer than this, which one of many is good for */

struct counts;

struct counts *counts_new(void) __attribute__((returns_nonnull));
void counts_freep(struct counts **c);

/* Is there a count of this scope that is still good? now_us is monotonic. */
bool counts_find(struct counts *c, const struct scope *scope, int64_t now_us, struct meta_coverage *found_r);

/* Keeps a count that was begun at began_us and is complete now. */
void counts_keep(struct counts *c, const struct scope *scope, int64_t began_us, int64_t now_us,
	const struct meta_coverage *counted);

/* ---- what the index holds, but not whole ---- */

struct counts_incomplete {
	uint64_t truncated, unreadable; /* messages of the scope with these marks (index/query.h) */
	bool exact;			/* else at least so many */
};

#define COUNTS_INCOMPLETE_US INT64_C(60000000) /* good for so long, while as many messages are archived and waiting */

/* The same of these counts. archived: what the scope holds now. */
bool counts_find_incomplete(struct counts *c, const struct scope *scope, int64_t now_us, const struct meta_coverage *archived,
	struct counts_incomplete *found_r);
void counts_keep_incomplete(struct counts *c, const struct scope *scope, int64_t now_us, const struct meta_coverage *archived,
	const struct counts_incomplete *counted);

#endif
