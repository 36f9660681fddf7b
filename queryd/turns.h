/* turns: how many searches run at a time, and whose turn it is when more want to. The next turn is that of the account with the
 * fewest running, among equals of who has waited longest; and no account ever has more than half of all turns, so that
 * somebody else always finds one. Any thread. */
#ifndef QUERYD_TURNS_H
#define QUERYD_TURNS_H

#include "base/mem.h"

#include <stdint.h>

struct turns;

/* max at a time; of each account waiting_max wait. */
struct turns *turns_new(uint64_t max, uint64_t waiting_max) __attribute__((returns_nonnull));

/* Nobody may have a turn or wait. */
void turns_freep(struct turns **t);

enum turn {
	TURN_TAKEN, /* give it back */
	TURN_FULL,  /* waiting_max of this account are waiting already */
	TURN_LATE,  /* none came in time */
};

/* Waits until deadline_us (monotonic) at most. */
enum turn turns_take(struct turns *t, uint64_t account_id, int64_t deadline_us) MUST_CHECK;
void turns_give(struct turns *t, uint64_t account_id);

struct turns_count {
	uint64_t running, waiting;
};
struct turns_count turns_count(struct turns *t);

#endif
