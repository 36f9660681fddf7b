/* copy: taking over another archive's database, for `strongroom copy`. queryd must not include this.
 *
 * What the ledger commits to goes batch by batch, in the order of each daemon's sequence, through meta/capture.h: wherever
 * a copy stops, the target's ledger is whole, and how far it came stands there. The rest (attempts, users, the audit
 * trail) is taken over row by row, what is there already is passed over, and users are made what they are in the source. */
#ifndef META_COPY_H
#define META_COPY_H

#include "base/strv.h"
#include "meta/message_row.h"
#include "meta/meta.h"

/* The names of the daemons that have batches, sorted. */
int meta_copy_daemons(struct meta *m, struct strv *names, struct err *e) MUST_CHECK;

struct meta_batch {
	uint64_t first_seq;
	size_t count;
	int64_t committed_us;
	uint8_t *leaves;  /* count of them */
	struct uuid *ids; /* of the messages, in the batch's order */
};

/* The daemon's first batch that begins behind after_seq, with its messages. 1 with *b_r (caller deinits), 0, -1: permanent
 * when the ledger has no message for one of its places. */
int meta_copy_batch(struct meta *m, const char *daemon, uint64_t after_seq, struct meta_batch *b_r, struct err *e) MUST_CHECK;
void meta_batch_deinit(struct meta_batch *b);

/* The key by which a retry of this message is recognised, and when it was taken. 1; 0 when there is none; -1. */
int meta_copy_key(struct meta *m, const struct message_row *row, uint8_t key_r[SHA256_SIZE], int64_t *taken_us_r,
	struct err *e) MUST_CHECK;

/* -1 permanent, saying what, when `to` holds what `from` does not: messages of its own, users, or audit
 * records. */
int meta_copy_allowed(struct meta *from, struct meta *to, struct err *e) MUST_CHECK;

/* Seals a secret anew for the target; *sealed_r is the caller's to free. */
typedef int meta_reseal(void *ctx, const void *sealed, size_t n, uint8_t **sealed_r, size_t *n_r, struct err *e);

struct meta_copied {
	uint64_t attempts, users, audit; /* rows that came, or of users: that there are now */
};

/* All but messages and ledger. Users, their scopes and the departments become what they are in `from`. */
int meta_copy_rest(struct meta *from, struct meta *to, meta_reseal *reseal, void *ctx, struct meta_copied *done_r,
	struct err *e) MUST_CHECK;

/* Tombstones that are there by now: the bytes of these are not in the target's store, and those are still to be removed from it,
 * so that their dispositions are not finished there. What is said of one already stays. */
struct disposed;
int meta_copy_removals(struct meta *to, const struct disposed *gone, size_t gone_count, const struct disposed *there,
	size_t there_count, int64_t now_us, struct err *e) MUST_CHECK;

/* The audit trail alone, with its records, as it is now: adds what the target lacks to *added_r. */
int meta_copy_audit(struct meta *from, struct meta *to, uint64_t *added_r, struct err *e) MUST_CHECK;

#endif
