/* approval: may this message be gone? Whoever has the rights of strongroom-workerd can write that a message is disposed of, and
 * that it is to be removed. Neither is believed without the decision that stands behind it, which those rights can't write:
 *
 *	removal_work → the tombstone → its fact in the ledger → a disposition, proposed and approved by two accounts,
 *	which the message comes under: it is in the scope, and its retention was over at the moment that the disposition is of. */
#ifndef ARCHIVE_APPROVAL_H
#define ARCHIVE_APPROVAL_H

#include "archive/keeping.h"

enum approval_verdict {
	APPROVAL_GIVEN,	 /* or nobody says that it is gone, or to be removed */
	APPROVAL_LACKS,	 /* nobody has approved that it goes */
	APPROVAL_BEATEN, /* that was approved, and a hold or a later fact keeps it */
};

struct approval {
	enum approval_verdict verdict;
	char *why;		 /* in words, of one that is not given; else NULL */
	int64_t expired_by_us; /* of the disposition; 0: there is none */
};

/* Of each message: list_r[i] (caller deinits, whatever this returns) for the i-th of `known`, whose id is ids[i]. -1: the
 * database can't be read. */
int approval_judge(struct meta *m, const struct keeping *known, const struct uuid *ids, struct approval *list_r, struct err *e)
	MUST_CHECK;

/* The same of up to KEEPING_AT_ONCE messages of which nothing is known yet. */
int approval_look(struct meta *m, const struct uuid *ids, size_t n, struct approval *list_r, struct err *e) MUST_CHECK;

void approval_deinit(struct approval *list, size_t n);

#endif
