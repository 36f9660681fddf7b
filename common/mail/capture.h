/* capture: one message as a door (milter, LMTP, import) received it: the bytes, the envelope, and who brought it. */
#ifndef MAIL_CAPTURE_H
#define MAIL_CAPTURE_H

#include "base/log.h"
#include "base/strv.h"
#include "mail/message.h"

#define LEDGER_NONCE_SIZE 32 /* random bytes that hide a record behind its leaf (ledger/record.h) */

/* Stored in the database and in ledger records: never renumber. */
enum capture_kind {
	CAPTURE_LMTP = 1,   /* the exact bytes between DATA and the final dot */
	CAPTURE_MILTER = 2, /* rebuilt from libmilter's pieces: "milter-reconstructed" */
	CAPTURE_IMPORT = 3, /* read from a file by `strongroom import` */
};

/* "lmtp", "milter-reconstructed", "import". */
const char *capture_kind_name(enum capture_kind kind);

struct capture_recipient {
	char *address; /* as given, without <> */
	char *args;    /* ESMTP arguments, "NOTIFY=NEVER ORCPT=…"; "" when none */
};

struct capture {
	enum capture_kind kind;
	const char *point;	/* configured name of the door; outlives the capture */
	struct message *message; /* finished; owned */
	int64_t received_us;	/* when the last byte had come */
	char *mail_from;	/* without <>; "" for the null reverse-path */
	char *mail_args;	/* "" when none */
	struct capture_recipient *recipients;
	size_t recipient_count;
	/* the peer, as far as the door knows it; NULL where it doesn't */
	char *client;	/* "192.0.2.1:25", "unix", a file name for an import */
	char *helo;
	char *auth;	/* authenticated identity */
	char *tls;	/* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
	char *queue_id; /* of the MTA, milter only */
	char *session;	/* our own id of the connection, as in the log */
	char *trace;	/* the trace header line that lmtpd adds, kept apart from the bytes */
};

void capture_add_recipient(struct capture *c, const char *address, const char *args);

/* Frees all that it owns; empty and usable afterwards. Fit for CLEANUP(). */
void capture_deinit(struct capture *c);

/* SHA-256(label ‖ point ‖ content hash ‖ MAIL FROM ‖ sorted recipients), length-prefixed and addresses normalised: by
 * this a retry of the same transaction is recognised. */
void capture_key(const struct capture *c, uint8_t key_r[SHA256_SIZE]);

/* The same of a capture whose message is not at hand, but its hash is. */
void capture_key_of(const struct capture *c, const uint8_t sha256[SHA256_SIZE], uint8_t key_r[SHA256_SIZE]);

/* SHA-256 over MAIL FROM and the sorted recipients, as above: the record's envelope hash. */
void capture_envelope_hash(const struct capture *c, uint8_t hash_r[SHA256_SIZE]);

#endif
