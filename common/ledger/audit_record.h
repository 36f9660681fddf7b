/* audit_record: the canonical bytes that say who did what, as ledger/record.h has them for messages.
 *
 * An intent and its outcome are a record each, in a sequence of the daemon that wrote them. A record is encoded with
 * base/pack behind a version byte: one value, one encoding, where "" is the same as none. It is kept verbatim. Its leaf is
 * SHA-256(LEDGER_AUDIT_LABEL ‖ nonce ‖ record): of the audit's log, which is not that of the messages. */
#ifndef LEDGER_AUDIT_RECORD_H
#define LEDGER_AUDIT_RECORD_H

#include "base/buf.h"
#include "base/strv.h"
#include "base/uuid.h"
#include "ledger/record.h"

#define LEDGER_AUDIT_VERSION 1
#define LEDGER_AUDIT_LABEL "strongroom/audit/v1"
#define LEDGER_MAILBOXES_LABEL "strongroom/mailboxes/v1"

#define LEDGER_AUDIT_MAX ((size_t)8 * 1024 * 1024)

enum ledger_audit_kind {
	LEDGER_AUDIT_INTENT = 1,  /* what somebody is about to do */
	LEDGER_AUDIT_OUTCOME = 2, /* what came of it */
};

struct ledger_audit_record {
	enum ledger_audit_kind kind;
	char *daemon;
	uint64_t seq;	/* gapless per daemon, from 1 */
	struct uuid id; /* of the intent */
	int64_t at_us;
	/* of an intent: */
	uint64_t account_id;
	char *actor, *strength, *action, *object, *detail, *reason, *case_ref, *client, *request_id;
	bool has_mailboxes;
	uint8_t mailboxes[SHA256_SIZE]; /* ledger_mailboxes() */
	/* of an outcome: */
	char *result;
	uint32_t status;
	uint64_t count;
	bool has_digest;
	uint8_t digest[SHA256_SIZE];
};

/* Adds the canonical bytes; -1 only past the buffer's maximum. */
int ledger_audit_encode(struct buf *out, const struct ledger_audit_record *r) MUST_CHECK;

/* -1 when they are not exactly one canonical record of a known version. ledger_audit_deinit() frees. */
int ledger_audit_decode(struct ledger_audit_record *r_r, const void *data, size_t n) MUST_CHECK;
void ledger_audit_deinit(struct ledger_audit_record *r);

void ledger_audit_leaf(uint8_t leaf_r[SHA256_SIZE], const uint8_t nonce[LEDGER_NONCE_SIZE], const void *record, size_t n);

/* What a record says of the mailboxes that an action concerned: the digest of their list, which must be sorted and hold
 * each once. */
void ledger_mailboxes(uint8_t digest_r[SHA256_SIZE], const struct strv *mailboxes);

#endif
