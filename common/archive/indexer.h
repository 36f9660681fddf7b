/* indexer: the thread that puts committed messages into the index, and what stays on the outbox.
 *
 * A group that was committed is offered with its documents. Its callers wait for it when no other
 * group came shortly before. Where groups follow each other closely nobody waits, and the index
 * rests, for it takes as much of the processors as all else that capture does: documents queue
 * until capture pauses, or for five seconds. Beyond a bound they are dropped: their rows stay on
 * the outbox, and workerd indexes them from the store. The thread gives way to others.
 *
 * What was indexed is made durable there every half second; then it comes off the outbox
 * (archive/indexed.h). While somebody rebuilds the index (archive_reindex()), nothing comes off
 * it: a message that arrives then may be in the old index only. Any thread may call. */
#ifndef ARCHIVE_INDEXER_H
#define ARCHIVE_INDEXER_H

#include "archive/document.h"
#include "meta/meta.h"

#define INDEXER_REBUILD_LOCK "reindex" /* the lock (archive/lockfile.h) that a rebuild holds */

struct indexer;
struct index_batch;

/* Starts the thread, waits until it has tried to open the index once, and leaves it trying when
 * that failed. conf and meta outlive it. */
struct indexer *indexer_new(const struct conf *conf, struct meta *meta)
	__attribute__((returns_nonnull));

/* Works off the queue for at most a few seconds, clears the outbox of what is indexed and stops.
 * Nobody may be waiting or offering. */
void indexer_freep(struct indexer **x);

enum indexer_haste {
	INDEXER_MAY,  /* wait where it is worth it */
	INDEXER_MUST, /* wait, until it may come off the outbox too */
};

/* Hands over the documents of committed messages. A batch that each of so many waiters must give
 * to indexer_wait() once; or NULL: don't wait, the messages are searchable later (INDEXER_MUST:
 * when there is no room). The documents are the indexer's in either case. */
struct index_batch *indexer_offer(struct indexer *x, struct document **documents, size_t n,
	size_t waiters, enum indexer_haste haste);

/* Waits until the batch was tried or wait_us has passed; is it in the index? Documents that the index
 * will not have for what they are stay on the outbox: with refused_r it gets one mark for each, in the
 * order in which they were offered, and the others count; without, the batch is not in the index. */
bool indexer_wait(struct indexer *x, struct index_batch *b, int64_t wait_us, bool *refused_r);

/* Up to max ids that are durable in the index and still on the outbox; they are the caller's to
 * take off it, and nothing is lost when it fails to. */
size_t indexer_take_done(struct indexer *x, struct uuid *ids_r, size_t max);

/* Takes all that is done off the outbox now. -1: some could not be; they stay there. */
int indexer_clear_outbox(struct indexer *x, struct err *e) MUST_CHECK;

/* Is the index open? -1 says why not. */
int indexer_ready(struct indexer *x, struct err *e) MUST_CHECK;

#endif
