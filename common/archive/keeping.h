/* keeping: what is known of some messages that keeps them, or says that they are gone. For who judges whether they may go. */
#ifndef ARCHIVE_KEEPING_H
#define ARCHIVE_KEEPING_H

#include "meta/disposed.h"
#include "meta/hold.h"
#include "meta/message_row.h"

#define KEEPING_AT_ONCE 64

struct keeping {
	struct message_row rows[KEEPING_AT_ONCE];
	int64_t extended_us[KEEPING_AT_ONCE]; /* by later facts; 0: by none */
	struct disposed disposed[KEEPING_AT_ONCE];
	struct message_holds holds; /* that are on them */
	size_t n;
};

/* Reads it of up to KEEPING_AT_ONCE messages, each given once, into an empty one; keeping_freep() frees, whatever this returns. */
int keeping_load(struct keeping *k, struct meta *m, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;
void keeping_freep(struct keeping **k);

/* Is a hold on the i-th? */
bool keeping_is_held(const struct keeping *k, size_t i);

/* Until when the i-th was to be kept when it was archived. */
int64_t keeping_first_us(const struct keeping *k, size_t i);

/* Until when it is by all of this: by its row, by where it was at first, and by what extended it. */
int64_t keeping_until_us(const struct keeping *k, size_t i);

#endif
