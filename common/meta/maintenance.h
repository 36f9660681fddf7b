/* maintenance: what the archive's own upkeep (workerd, cli, archive/) reads and writes without a scope. queryd must not
 * include this (tests/tools/layers checks it). */
#ifndef META_MAINTENANCE_H
#define META_MAINTENANCE_H

#include "meta/message_record.h"
#include "meta/message_row.h"
#include "meta/meta.h"

/* Where the database splits its tables by month: makes room for the months to come. To be called at least once a month. */
int meta_extend(struct meta *m, struct err *e) MUST_CHECK;

/* 1 with *row_r (caller deinits), 0, -1. */
int meta_message_load(struct meta *m, const struct uuid *id, struct message_row *row_r, struct err *e) MUST_CHECK;

/* Several ids, each given once, with a statement or two for the lot: rows_r[i] (caller deinits) for ids[i]; whether there is
 * such a message message_row_is_there() says. After -1 all of rows_r is empty. */
int meta_messages_load(struct meta *m, const struct uuid *ids, size_t n, struct message_row *rows_r, struct err *e) MUST_CHECK;

/* Up to `max` ids that come after *after (all zero: from the start), ascending: a walk over the whole archive. */
int meta_message_walk(struct meta *m, const struct uuid *after, struct uuid *ids_r, size_t max, size_t *n_r,
	struct err *e) MUST_CHECK;

/* The same from the newest back: those that come before *before (all ones: from the end), descending. */
int meta_message_walk_back(struct meta *m, const struct uuid *before, struct uuid *ids_r, size_t max, size_t *n_r,
	struct err *e) MUST_CHECK;

/* How many messages there are, by the ledger where rows are slow to count. */
int meta_message_count(struct meta *m, uint64_t *n_r, struct err *e) MUST_CHECK;

/* The rows themselves, counted one by one. */
int meta_message_rows(struct meta *m, uint64_t *n_r, struct err *e) MUST_CHECK;

/* Up to `max` ids on the index outbox, oldest first, that were put there before `before_us` (so that a drainer leaves
 * alone what a daemon is just indexing itself). Consumed by presence, never by position. */
int meta_outbox_list(struct meta *m, int64_t before_us, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e) MUST_CHECK;
int meta_outbox_clear(struct meta *m, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;
/* Puts messages back on it (a rebuild of the index could not read them); those that are there already stay as they are. */
int meta_outbox_add(struct meta *m, const struct uuid *ids, size_t n, int64_t now_us, struct err *e) MUST_CHECK;
int meta_outbox_count(struct meta *m, uint64_t *n_r, int64_t *oldest_us_r, struct err *e) MUST_CHECK;

/* 1 with *r_r (caller deinits), 0, -1. */
int meta_record_get(struct meta *m, const struct uuid *id, struct meta_record *r_r, struct err *e) MUST_CHECK;

/* Do all batches add up: every daemon's sequence gapless, every message's leaf in its batch at its place, every message
 * with its record and in the mailboxes of its participants, no later fact missing, none disposed of
 * or removed that was not there? `report` gets one line a fault; the number of faults comes
 * back in *faults_r. Whether a leaf is that of its record is the caller's to see (ledger/record.h). */
int meta_ledger_verify(struct meta *m, void (*report)(void *ctx, const char *fault), void *ctx, uint64_t *faults_r,
	struct err *e) MUST_CHECK;

/* The same of the audit's ledger, and more: each row as its record has it, each leaf that of its record, each set of
 * mailboxes whole, nothing without a record but what is from before there were any. */
struct meta_audit_count {
	uint64_t faults;
	uint64_t records; /* of intents and outcomes */
	uint64_t before;  /* intents from before there were records */
};
int meta_audit_verify(struct meta *m, void (*report)(void *ctx, const char *fault), void *ctx, struct meta_audit_count *count_r,
	struct err *e) MUST_CHECK;

#endif
