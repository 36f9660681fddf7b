/* check_disposed: is what was disposed of rightly gone? A tombstone wants its approval, and a fact its tombstone. */
#ifndef CLI_CHECK_DISPOSED_H
#define CLI_CHECK_DISPOSED_H

#include "meta/disposed.h"

/* A message that was disposed of: tell() gets a line where that was not approved, or something keeps it (archive/approval.h).
 * -1: the database can't be read. */
int check_disposed(struct meta *m, const struct uuid *id, void (*tell)(void *ctx, const char *what), void *ctx, struct err *e)
	MUST_CHECK;

/* All later facts: each as its leaf has it, in its row's place, and those that say that a message was disposed of with its
 * tombstone. tell() gets the message besides. Stops early when *stop gets true. */
int check_facts(struct meta *m, void (*tell)(void *ctx, const struct uuid *message, const char *what), void *ctx,
	bool (*stop)(void), struct err *e) MUST_CHECK;

#endif
