/* disposition: what may be removed because nothing keeps it any longer, and who has proposed and decided that it is.
 *
 * A disposition is of the messages in its scope that had expired by a moment before it was proposed. Nothing can come to it
 * later: what is archived is kept from then on. What is kept longer or held meanwhile is no longer in it. */
#ifndef META_DISPOSITION_H
#define META_DISPOSITION_H

#include "base/uuid.h"
#include "meta/hold.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disposition {
	struct uuid id;
	char *scope; /* JSON: scope_print(), scope_parse() */
	int64_t expired_by_us;
	struct hold_act proposed, decided;
	bool approved; /* when it is decided */
};

struct dispositions {
	struct disposition *items;
	size_t n;
};

void disposition_deinit(struct disposition *d);
void dispositions_deinit(struct dispositions *list);

int meta_disposition_propose(struct meta *m, const struct disposition *d, struct err *e) MUST_CHECK;

/* 1; 0 when it is decided already, or this account has proposed it: the database keeps who has done so from deciding; -1. */
int meta_disposition_decide(struct meta *m, const struct uuid *id, bool approved, const struct hold_act *act, struct err *e)
	MUST_CHECK;

/* 1 (caller deinits), 0, -1. */
int meta_disposition_get(struct meta *m, const struct uuid *id, struct disposition *d_r, struct err *e) MUST_CHECK;

/* Up to max with ids behind `after` (all zero: from the first), in their order; caller deinits. */
int meta_disposition_list(struct meta *m, const struct uuid *after, size_t max, struct dispositions *list_r, struct err *e)
	MUST_CHECK;

/* Changes with every proposal and decision. Cheap. */
int meta_disposition_version(struct meta *m, uint64_t *version_r, struct err *e) MUST_CHECK;

/* ---- what has expired ---- */

#define EXPIRED_AT_ONCE 500

struct expired_message {
	struct uuid id;
	int64_t retain_until_us; /* what extended it included */
};

struct expired_messages {
	struct expired_message items[EXPIRED_AT_ONCE];
	size_t n;
	struct uuid looked; /* up to here */
	bool end;	    /* nothing is behind it */
};

/* Of the next EXPIRED_AT_ONCE messages behind `after`, by id, those that nothing has kept since expired_by_us, neither their
 * retention nor a hold that is on them, and that are not disposed of yet. What strongroom-workerd has yet to bring to them, a hold that was just placed or a
 * policy that was just made, is not seen here. */
int meta_expired_list(struct meta *m, const struct uuid *after, int64_t expired_by_us, struct expired_messages *list_r,
	struct err *e) MUST_CHECK;

/* The same whatever keeps them by now, and disposed of or not: those whose first retention was over by then. */
int meta_expired_walk(struct meta *m, const struct uuid *after, int64_t expired_by_us, struct expired_messages *list_r,
	struct err *e) MUST_CHECK;

#endif
