/* lifecycle: what strongroom-workerd writes about messages after they were archived: later facts with their leaves, and how
 * far it has come. queryd must not include this (tests/tools/layers checks it).
 *
 *	meta_lifecycle_begin → (extend or hold → fact) … → walk → commit
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

#endif
