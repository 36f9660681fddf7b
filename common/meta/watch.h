/* watch: what whoever watches over the installation counts in its databases. */
#ifndef META_WATCH_H
#define META_WATCH_H

#include "meta/meta.h"

#include <stdint.h>

struct watch_audit {
	uint64_t unfinished;	  /* intents without an outcome: actions that were cut off */
	uint64_t signins_refused;
};

/* Of the intents of [from_us, until_us). */
int meta_watch_audit(struct meta *m, int64_t from_us, int64_t until_us, struct watch_audit *a_r, struct err *e) MUST_CHECK;

struct watch_exports {
	uint64_t queued, building;
};

int meta_watch_exports(struct meta *m, struct watch_exports *x_r, struct err *e) MUST_CHECK;

/* Objects of messages that were disposed of, which are in the store yet. */
struct watch_removals {
	uint64_t waiting; /* for their turn */
	uint64_t refused; /* were tried in vain, and are again */
};

int meta_watch_removals(struct meta *m, struct watch_removals *r_r, struct err *e) MUST_CHECK;

#endif
