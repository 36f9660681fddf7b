/* transaction: one message on its way from MAIL to the verdict, in the words of a milter. What becomes of it is decided in
 * archive/intake.h.
 *
 * What comes without a transaction is dropped. Belongs to one connection; libmilter runs the callbacks of a connection one
 * after another, in changing threads. */
#ifndef MILTER_TRANSACTION_H
#define MILTER_TRANSACTION_H

#include "archive/intake.h"
#include "base/buf.h"
#include "milter/server.h"

struct transaction {
	struct server *server; /* NULL: there is no transaction */
	struct intake intake;
	struct buf piece; /* a header field being put together */
};

/* MAIL: the reverse-path as it was given, <> and all, then its ESMTP arguments, then NULL. INTAKE_OPEN, or why not;
 * then there is no transaction. log: the connection's; outlives the transaction. */
enum intake_outcome transaction_begin(struct transaction *t, struct server *server, char *const *path_and_args,
	const struct log_context *log) MUST_CHECK;

/* RCPT: an accepted recipient, as above. INTAKE_OPEN, or why this one is not taken. */
enum intake_outcome transaction_add_recipient(struct transaction *t, char *const *path_and_args) MUST_CHECK;

/* The name by which the mail server's log knows the message; NULL changes nothing. */
void transaction_set_queue_id(struct transaction *t, const char *queue_id);

/* A header field (reconstruct.h), the end of the header, a piece of the body. */
void transaction_header(struct transaction *t, const char *name, const char *value, bool leading_space);
void transaction_end_of_header(struct transaction *t);
void transaction_body(struct transaction *t, const void *data, size_t n);

/* The message is complete: archives it. */
enum intake_outcome transaction_finish(struct transaction *t, const struct intake_peer *peer) MUST_CHECK;

/* Frees and gives back everything; harmless without a transaction. */
void transaction_end(struct transaction *t);

#endif
