/* copy: one archive taken over into another: what the files cli/copy*.c share. */
#ifndef CLI_COPY_H
#define CLI_COPY_H

#include "cli/progress.h"
#include "meta/meta.h"
#include "store/store.h"

/* One side: configuration, database, store. */
struct copy_side {
	struct conf conf;
	struct meta *meta;
	struct store *store;
};

struct copy {
	struct copy_side from, to;
	size_t threads;
	bool incomplete; /* go on where an object can't be had */
	struct progress line;
	/* the account */
	uint64_t total;	 /* messages of the source when it began */
	uint64_t before; /* of these, in the target already */
	uint64_t copied, bytes, moved, lost, disposed;
	bool rest_copied; /* users, audit trail and attempts too */
};

/* copy_messages.c: every message that the target lacks, batch by batch, its object first. -1 permanent when an object can't
 * be had, unless `incomplete`. 0 also when it was stopped (progress_stopped()). */
int copy_messages(struct copy *c, struct err *e) MUST_CHECK;

/* copy_removals.c: what was disposed of is said to be removed from the target's store where it is not there; where an earlier
 * copy has brought its object, the target's strongroom-workerd is to remove it. To be called when the tombstones are there. */
int copy_removals(struct copy *c, struct err *e) MUST_CHECK;

#endif
