/* indexed: the ids of messages that are durable in the index and still on the outbox.
 *
 * They come off it with the next group's transaction, which costs nothing, or, when no group
 * comes for a while, in one of their own: in a thread of ordinary priority, for whoever holds
 * the database's lock must not be kept from the processor. What can't be cleared stays on the
 * outbox, where workerd finds it. Any thread may call. */
#ifndef ARCHIVE_INDEXED_H
#define ARCHIVE_INDEXED_H

#include "meta/meta.h"

#include "base/uuid.h"

struct indexed;

/* meta outlives it. */
struct indexed *indexed_new(struct meta *meta) __attribute__((returns_nonnull));

/* Clears what is left. */
void indexed_freep(struct indexed **x);

void indexed_add(struct indexed *x, const struct uuid *ids, size_t n);

/* Up to max of them; they are the caller's to take off the outbox, and nothing is lost when it
 * fails to. */
size_t indexed_take(struct indexed *x, struct uuid *ids_r, size_t max);

/* Takes all of them off the outbox now. -1: some could not be; they stay there. */
int indexed_clear(struct indexed *x, struct err *e) MUST_CHECK;

#endif
