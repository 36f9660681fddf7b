/* lifecycle: what strongroom-workerd writes about messages after they were archived: later facts with their leaves, and how
 * far it has come. queryd must not include this (tests/tools/layers checks it).
 *
 *	meta_lifecycle_begin → (extend, hold or dispose → fact) … → walk → commit
 *
 * One thread drives a transaction. */
#ifndef META_LIFECYCLE_H
#define META_LIFECYCLE_H

#include "mail/capture.h"
#include "meta/hold.h"
#include "meta/message_row.h"
#include "meta/meta.h"
#include "meta/upkeep.h"

struct meta_lifecycle; /* a transaction */

/* The daemon's ledger name. Nobody else may write facts under it. */
int meta_lifecycle_begin(struct meta *m, const char *daemon, struct meta_lifecycle **t_r, struct err *e) MUST_CHECK;

/* 1; 0 when that is said of the message already; -1. After 1 its fact is to be added. */
int meta_lifecycle_extend(struct meta_lifecycle *t, const struct uuid *id, int64_t until_us, int64_t now_us,
	const char *policy_version, struct err *e) MUST_CHECK;

/* The message came under the hold (HOLD_PLACED), or was released from it. 1; 0 when that is said already; -1. After 1 its fact
 * is to be added. */
int meta_lifecycle_hold(struct meta_lifecycle *t, const struct message_hold *which, enum hold_event event, int64_t now_us,
	struct err *e) MUST_CHECK;

/* What was to be done for a message that came under a hold when it was captured is done. */
int meta_lifecycle_hold_done(struct meta_lifecycle *t, const struct message_hold *which, struct err *e) MUST_CHECK;

/* Locks out whoever keeps something longer (meta/keep_gate.h) until the transaction is over: 1; 0 when somebody did since this
 * generation: judge anew. Before anything else of a transaction that disposes of messages or removes them. */
int meta_lifecycle_gate(struct meta_lifecycle *t, uint64_t generation, struct err *e) MUST_CHECK;

/* Is a hold on the message? 1, 0, -1. */
int meta_lifecycle_held(struct meta_lifecycle *t, const struct uuid *id, struct err *e) MUST_CHECK;

/* The message is disposed of, unless something keeps it beyond until_us or holds it by now: it goes off the outbox, and is to be
 * taken off the index and out of the store. 1; 0 when it is kept, is not there or is disposed of already; -1. After 1 its fact
 * is to be added. */
struct disposing {
	struct uuid disposition;
	int64_t until_us, now_us;
};
int meta_lifecycle_dispose(struct meta_lifecycle *t, const struct uuid *id, const struct disposing *by, struct err *e) MUST_CHECK;

/* The bytes of a message that was disposed of are gone from the store, or could not be removed and are tried again then. */
int meta_lifecycle_removed(struct meta_lifecycle *t, const struct uuid *id, int64_t now_us, struct err *e) MUST_CHECK;
int meta_lifecycle_put_off(struct meta_lifecycle *t, const struct uuid *id, int64_t due_us, struct err *e) MUST_CHECK;

/* The removal of a message is refused, or no longer (its alarms of these kinds end). */
struct reconcile_alarm;
int meta_lifecycle_refuse(struct meta_lifecycle *t, const struct reconcile_alarm *why, struct err *e) MUST_CHECK;
int meta_lifecycle_refuse_no_longer(struct meta_lifecycle *t, const struct uuid *id, int64_t now_us, struct err *e) MUST_CHECK;

/* Up to max of those whose bytes are to be removed by now; nobody else has them until the transaction is over, once the gate is
 * passed. */
struct removal;
int meta_lifecycle_removals(struct meta_lifecycle *t, int64_t now_us, struct removal *list_r, size_t max, size_t *n_r, struct err *e)
	MUST_CHECK;

/* Begins to carry out a disposition: 1; 0 when another worker has: *d is what that has come to; -1. */
struct disposal;
int meta_lifecycle_disposal_begin(struct meta_lifecycle *t, struct disposal *d, struct err *e) MUST_CHECK;

/* How far it was carried out: 1 when that is still as it was read, 0, -1; and, behind the gate, keeping it. */
int meta_lifecycle_disposal_is(struct meta_lifecycle *t, const struct disposal *d, struct err *e) MUST_CHECK;
int meta_lifecycle_disposal(struct meta_lifecycle *t, const struct disposal *d, struct err *e) MUST_CHECK;

/* It is finished: 1; 0 when that is said already, or not all was looked at; -1. */
int meta_lifecycle_disposal_finish(struct meta_lifecycle *t, const struct uuid *disposition, int64_t now_us, struct err *e) MUST_CHECK;

/* The number that the next fact has. */
uint64_t meta_lifecycle_seq(const struct meta_lifecycle *t);

/* The canonical record of a fact of that number, with nonce and leaf. */
int meta_lifecycle_fact(struct meta_lifecycle *t, const struct uuid *id, const uint8_t nonce[LEDGER_NONCE_SIZE],
	const uint8_t leaf[SHA256_SIZE], const void *record, size_t n, struct err *e) MUST_CHECK;

/* Both free the transaction and null the pointer; commit as meta_capture_commit(). rollback is fit for CLEANUP(). */
int meta_lifecycle_commit(struct meta_lifecycle **t, struct err *e) MUST_CHECK;
void meta_lifecycle_rollback(struct meta_lifecycle **t);

/* ---- walks ---- */

/* Keeps it, with what else the transaction holds. */
int meta_lifecycle_walk(struct meta_lifecycle *t, const struct upkeep_walk *w, struct err *e) MUST_CHECK;

/* Up to max messages of the mailbox behind the place, by date and id; *dates_r and *ids_r have room for max. */
int meta_mailbox_walk(struct meta *m, const struct upkeep_walk *at, struct uuid *ids_r, int64_t *dates_r, size_t max,
	size_t *n_r, struct err *e) MUST_CHECK;

/* ---- whose messages were gone through for policies ---- */

struct reached {
	char *mailbox;
	uint64_t days; /* for so long policies kept them then; 0: none does any longer */
};

struct reached_list {
	struct reached *items; /* by mailbox, byte by byte */
	size_t n;
};
void reached_list_deinit(struct reached_list *list);

/* Caller deinits. */
int meta_reached_list(struct meta *m, struct reached_list *list_r, struct err *e) MUST_CHECK;

/* Adds the mailbox, or changes its days. */
int meta_lifecycle_reached(struct meta_lifecycle *t, const struct reached *mailbox, struct err *e) MUST_CHECK;

#endif
