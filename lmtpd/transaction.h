/* transaction: one message on its way from MAIL to the reply: its envelope, its bytes, and the room
 * it takes up.
 *
 * The first failure decides the reply. What comes after it is dropped, and its room is given back
 * at once. */
#ifndef LMTPD_TRANSACTION_H
#define LMTPD_TRANSACTION_H

#include "archive/room.h"
#include "lmtpd/command.h"
#include "lmtpd/server.h"

/* Who is at the other end; outlives the transaction. NULL where there is nothing to say. */
struct peer {
	const char *client;
	char session[UUID_TEXT_SIZE];
	char *helo;
	char *tls;  /* version and cipher */
	char *auth; /* subject of the client certificate */
};

struct transaction {
	struct archive *archive;
	const struct conf *conf;
	const struct peer *peer;
	struct capture capture;
	bool utf8;
	bool binary;	   /* BODY=BINARYMIME: only BDAT may carry it */
	struct room room;
	int64_t begun_us;  /* monotonic */
	enum reply failure;
	struct log_context log;
};

/* MAIL. REPLY_SENDER_OK, or the refusal; then t need not be ended. log: the connection's. */
enum reply transaction_begin(struct transaction *t, struct server *server, const struct peer *peer,
	const struct command *mail, const struct log_context *log) MUST_CHECK;

/* RCPT. REPLY_RECIPIENT_OK, or the refusal of this one. */
enum reply transaction_add_recipient(struct transaction *t, const struct command *rcpt) MUST_CHECK;

/* More bytes of the message. */
void transaction_append(struct transaction *t, const void *data, size_t n);

/* All bytes are there: archives them. The one reply for every recipient; archive_id_r is set with
 * REPLY_ARCHIVED. */
enum reply transaction_finish(struct transaction *t, char archive_id_r[UUID_TEXT_SIZE]) MUST_CHECK;

/* Frees and gives back everything; may be called again. */
void transaction_end(struct transaction *t);

#endif
