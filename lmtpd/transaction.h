/* transaction: one message on its way from MAIL to the reply, in the words of LMTP. What becomes of it is decided in
 * archive/intake.h. */
#ifndef LMTPD_TRANSACTION_H
#define LMTPD_TRANSACTION_H

#include "archive/intake.h"
#include "lmtpd/command.h"
#include "lmtpd/server.h"

struct transaction {
	struct intake intake;
	bool utf8;
	bool binary; /* BODY=BINARYMIME: only BDAT may carry it */
};

/* MAIL. REPLY_SENDER_OK, or the refusal; then t need not be ended. log: the connection's. */
enum reply transaction_begin(struct transaction *t, struct server *server,
	const struct command *mail, const struct log_context *log) MUST_CHECK;

/* RCPT. REPLY_RECIPIENT_OK, or the refusal of this one. */
enum reply transaction_add_recipient(struct transaction *t, const struct command *rcpt) MUST_CHECK;

/* More bytes of the message. */
void transaction_append(struct transaction *t, const void *data, size_t n);

/* What the reply will be as far as it is decided: REPLY_NONE, or the failure. */
enum reply transaction_failure(const struct transaction *t);

/* All bytes are there: archives them. The one reply for every recipient; archive_id_r is set with
 * REPLY_ARCHIVED. */
enum reply transaction_finish(struct transaction *t, const struct intake_peer *peer,
	char archive_id_r[UUID_TEXT_SIZE]) MUST_CHECK;

/* Frees and gives back everything; may be called again. */
void transaction_end(struct transaction *t);

#endif
