/* group: many messages, one transaction. Whoever comes while none is under way commits at once, for itself; whoever
 * comes meanwhile waits, and the first of those commits for all of them. No timers: at low load the latency is that of
 * one commit. Any thread may call. */
#ifndef ARCHIVE_GROUP_H
#define ARCHIVE_GROUP_H

#include "archive/entry.h"
#include "archive/indexer.h"

struct group;

/* daemon is the ledger name; meta, indexer and lock_mode's store outlive it. indexer may be NULL (nothing is indexed). */
struct group *group_new(struct meta *meta, struct indexer *indexer, const char *daemon)
	__attribute__((returns_nonnull));
void group_freep(struct group **g);

/* Commits the entry with whatever waits beside it. 0: durable; e->known says whether as another id, and e->batch what to
 * wait for in the index. -1 with e->err: nothing may be assumed; an unknown outcome was looked up and stayed unknown. */
int group_commit(struct group *g, struct entry *e) MUST_CHECK;

#endif
