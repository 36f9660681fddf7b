/* capture: the write path of meta: one transaction for a group of messages (step 4 of strongroom(7)).
 *
 *	meta_capture_begin → claim for all messages → insert for each that is new → batch → commit
 *
 * One thread drives a transaction. Between begin and commit or rollback no other group of this process begins. Rows may be
 * sent to the database later than they are inserted, by the batch at the latest: a failure of the batch may be that of a
 * message. After a conflict (ERR_CONFLICT, of any step) the whole transaction can be tried again at once. */
#ifndef META_CAPTURE_H
#define META_CAPTURE_H

#include "meta/message_row.h"
#include "meta/meta.h"

#include <stdbool.h>

struct meta_capture; /* a transaction */

/* Is this transaction archived already? 1 with its archive id, 0, -1. Step 2, outside any transaction. One whose message was
 * disposed of is archived no longer: it is new. */
int meta_capture_find(struct meta *m, const uint8_t key[SHA256_SIZE], struct uuid *id_r, struct err *e) MUST_CHECK;

/* Records that a transaction known already was offered again (best effort: losing it loses nothing). */
int meta_capture_attempt(struct meta *m, const struct uuid *id, int64_t now_us, const char *daemon, struct err *e) MUST_CHECK;

/* The last sequence number that this daemon's batches hold; 0 before the first. */
int meta_capture_last_seq(struct meta *m, const char *daemon, uint64_t *seq_r, struct err *e) MUST_CHECK;

int meta_capture_begin(struct meta *m, struct meta_capture **t_r, struct err *e) MUST_CHECK;

struct meta_claim {
	const uint8_t *key; /* SHA256_SIZE bytes */
	struct uuid id;
	int64_t now_us;
	/* the answer: */
	bool taken;	      /* the key is this id's now */
	struct uuid existing; /* else: whose it is; insert nothing for this message */
};

/* Takes the keys. Every message whose key is taken must be inserted before the next claims, in this order. */
int meta_capture_claim(struct meta_capture *t, struct meta_claim *claims, size_t n, struct err *e) MUST_CHECK;

/* Message, participants, attachments, record with nonce and leaf, and an outbox row; of one that was moved (row->origin)
 * also where it is now. */
int meta_capture_insert(struct meta_capture *t, const struct message_row *row, const uint8_t nonce[LEDGER_NONCE_SIZE],
	const void *record, size_t record_length, const uint8_t leaf[SHA256_SIZE], struct err *e) MUST_CHECK;

/* The holds that it comes under: workerd brings them to the store. */
int meta_capture_hold(struct meta_capture *t, const struct uuid *id, const struct uuid *holds, size_t n, struct err *e) MUST_CHECK;

/* The group's ledger batch: `count` leaf hashes one behind the other, of sequence numbers first_seq and up. */
int meta_capture_batch(struct meta_capture *t, const char *daemon, uint64_t first_seq, size_t count, const uint8_t *leaves,
	int64_t now_us, struct err *e) MUST_CHECK;

/* Takes these messages off the outbox in the same transaction (they are in the index). */
int meta_capture_indexed(struct meta_capture *t, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;

/* Both free the transaction and null the pointer. commit: 0 durable; -1 temporary: not done; -1 unknown: ask
 * meta_capture_find() on a fresh connection. */
int meta_capture_commit(struct meta_capture **t, struct err *e) MUST_CHECK;
void meta_capture_rollback(struct meta_capture **t);

#endif
