/* record: the canonical bytes that say what was archived, and the hiding commitment to them that goes into the log.
 *
 * A record is encoded with base/pack in the order of the struct, behind a version byte: one value, one encoding. It is
 * kept verbatim. Its leaf entry is SHA-256(LEDGER_LEAF_LABEL ‖ nonce ‖ record): without the 32 random bytes nobody can
 * guess a record back from it, so that no personal data ever enters the log. */
#ifndef LEDGER_RECORD_H
#define LEDGER_RECORD_H

#include "base/buf.h"
#include "base/uuid.h"
#include "mail/capture.h"
#include "mail/locator.h"

#define LEDGER_RECORD_VERSION 1
#define LEDGER_LEAF_LABEL "strongroom/leaf/v1"

#define LEDGER_RECORD_MAX 65536

struct ledger_record {
	struct uuid archive_id;
	enum capture_kind kind;
	char *capture_point;
	char *daemon;	      /* name of the capturing daemon, unique in the installation */
	uint64_t daemon_seq;  /* gapless per daemon, from 1 */
	int64_t received_us;
	uint8_t clock_state;  /* 1 synchronised, 0 not, 2 unknown (adjtimex) */
	uint8_t content_sha256[SHA256_SIZE];
	uint64_t content_length;
	uint8_t envelope_hash[SHA256_SIZE];
	uint8_t object_sha256[SHA256_SIZE]; /* of the stored object; today the same as the content's */
	struct locator locator;
	char *lock_mode;      /* "COMPLIANCE", or "file" for the local directory */
	int64_t retain_until_us;
	char *policy_version;
};

/* Adds the canonical bytes; -1 only past the buffer's maximum. */
int ledger_record_encode(struct buf *out, const struct ledger_record *r) MUST_CHECK;

/* -1 when they are not exactly one canonical record of a known version. ledger_record_deinit() frees. */
int ledger_record_decode(struct ledger_record *r_r, const void *data, size_t n) MUST_CHECK;
void ledger_record_deinit(struct ledger_record *r);

/* A fresh nonce from the kernel. */
void ledger_nonce(uint8_t nonce_r[LEDGER_NONCE_SIZE]);

void ledger_leaf(uint8_t leaf_r[SHA256_SIZE], const uint8_t nonce[LEDGER_NONCE_SIZE], const void *record, size_t n);

#endif
