/* upkeep: how far strongroom-workerd has come with what it does to many messages. */
#ifndef META_UPKEEP_H
#define META_UPKEEP_H

#include "base/uuid.h"
#include "meta/meta.h"

/* A place among the messages of a mailbox, or of all: what comes behind it is still to be done. */
struct upkeep_walk {
	const char *name;
	uint64_t since, about; /* what it is about, in its own numbers */
	char *mailbox; /* of a search: the cursor of the next page */
	int64_t date_us;
	struct uuid message_id;
	uint64_t looked, changed;
	int64_t began_us, finished_us; /* 0: under way */
};

#define UPKEEP_POLICIES "policies" /* since, about: changes of policies (meta/retention.h) */
#define UPKEEP_NEWEST "newest"	   /* behind the newest messages */
#define UPKEEP_QUERIES "queries"   /* the same, with the queries of standing holds */
#define UPKEEP_HOLD "hold:"	   /* and a hold's id: its messages are held */
#define UPKEEP_LIFT "lift:"	   /* its messages are released */

/* 1 with the walk's place (caller frees its mailbox), 0 when it was never made. name stays the caller's. */
int meta_upkeep_walk(struct meta *m, const char *name, struct upkeep_walk *w_r, struct err *e) MUST_CHECK;

#endif
