/* transaction: one message on its way from MAIL to the verdict: its envelope, its bytes, and the room it takes up.
 *
 * The first failure decides the verdict; what comes after it is dropped, and its room is given back at once. So is what
 * comes without a transaction. Belongs to one connection; libmilter runs the callbacks of a connection one after another, in changing threads. */
#ifndef MILTER_TRANSACTION_H
#define MILTER_TRANSACTION_H

#include "archive/room.h"
#include "base/buf.h"
#include "milter/server.h"
#include "milter/verdict.h"

/* What is known about the client that the mail server serves; NULL where there is nothing to say. */
struct peer {
	const char *client; /* "192.0.2.1:25" */
	const char *helo;
	const char *auth;
	const char *tls; /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
	const char *session;
};

struct transaction {
	struct server *server; /* NULL: there is no transaction */
	struct archive *archive;
	struct capture capture;
	struct buf piece;  /* a header field being put together */
	struct room room;
	int64_t begun_us;  /* monotonic */
	enum verdict failure;
	struct log_context log;
};

/* MAIL: the reverse-path as it was given, <> and all, then its ESMTP arguments, then NULL. VERDICT_CONTINUE, or why not;
 * then there is no transaction. log: the connection's; outlives the transaction. */
enum verdict transaction_begin(struct transaction *t, struct server *server, char *const *path_and_args,
	const struct log_context *log) MUST_CHECK;

/* RCPT: an accepted recipient, as above. VERDICT_CONTINUE, or why this one is not taken. */
enum verdict transaction_add_recipient(struct transaction *t, char *const *path_and_args) MUST_CHECK;

/* The name by which the mail server's log knows the message; NULL changes nothing. */
void transaction_set_queue_id(struct transaction *t, const char *queue_id);

/* A header field (reconstruct.h), the end of the header, a piece of the body. */
void transaction_header(struct transaction *t, const char *name, const char *value, bool leading_space);
void transaction_end_of_header(struct transaction *t);
void transaction_body(struct transaction *t, const void *data, size_t n);

/* The message is complete: archives it. */
enum verdict transaction_finish(struct transaction *t, const struct peer *peer) MUST_CHECK;

/* Frees and gives back everything; harmless without a transaction. */
void transaction_end(struct transaction *t);

#endif
