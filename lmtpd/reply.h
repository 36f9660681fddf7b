/* reply: everything the server can say, in one table: code, enhanced code (RFC 3463), text.
 *
 * The texts are for clients: they name what the client can act on and nothing of our inside.
 *
 * The end of a journal (lmtpd.journal) answers 4xx wherever else it would be 5xx, in answer to
 * commands too: to a mail server any 5xx between LHLO and the final dot means that the message has
 * failed for good, and a copy that comes back as a bounce is a copy that was lost. */
#ifndef LMTPD_REPLY_H
#define LMTPD_REPLY_H

#include "base/buf.h"

#include <stdbool.h>

enum reply {
	REPLY_NONE, /* nothing to say: go on */
	/* connection */
	REPLY_GREETING,
	REPLY_BYE,
	REPLY_NOT_A_PEER,
	REPLY_TOO_MANY_CONNECTIONS,
	REPLY_STOPPING,
	REPLY_IDLE,
	REPLY_TOO_MANY_ERRORS,
	/* commands */
	REPLY_OK,
	REPLY_RESET,
	REPLY_CANNOT_VRFY,
	REPLY_START_TLS,
	REPLY_UNKNOWN_COMMAND,
	REPLY_NOT_IMPLEMENTED,
	REPLY_USE_LHLO,
	REPLY_LINE_TOO_LONG,
	REPLY_BAD_LINE,
	REPLY_LHLO_FIRST,
	REPLY_MAIL_FIRST,
	REPLY_RCPT_FIRST,
	REPLY_MAIL_OPEN,
	REPLY_CHUNKS_OPEN,
	REPLY_BINARY_NEEDS_CHUNKS,
	REPLY_TLS_FIRST,
	REPLY_TLS_ACTIVE,
	REPLY_NO_TLS,
	REPLY_ARGUMENT_MISSING,
	REPLY_ARGUMENT_UNEXPECTED,
	REPLY_BAD_SENDER,
	REPLY_BAD_RECIPIENT,
	REPLY_BAD_PARAMETER,
	REPLY_UNKNOWN_PARAMETER,
	REPLY_BAD_CHUNK,
	/* transaction */
	REPLY_SENDER_OK,
	REPLY_RECIPIENT_OK,
	REPLY_TOO_MANY_RECIPIENTS,
	REPLY_SEND_DATA,
	REPLY_CHUNK_OK,
	REPLY_ARCHIVED,
	REPLY_TOO_LARGE,
	REPLY_BUSY,
	REPLY_NOT_READY,
	REPLY_NO_STORAGE,
	REPLY_FAILED,
	REPLY_COUNT
};

/* Longest line of RFC 5321, CRLF included. */
#define REPLY_LINE_MAX 512

/* Adds a one-line reply: "code enhanced [subject ]text[ detail]". subject and detail may be NULL;
 * what would not fit the line is cut off subject, and control characters in either become '?'. -1
 * when out is full. */
int reply_put(struct buf *out, enum reply r, bool journal, const char *subject,
	const char *detail) MUST_CHECK;

/* "451 4.3.0" and the words to it: for the log. */
const char *reply_code(enum reply r, bool journal);
const char *reply_text(enum reply r);

/* What an operator can do about r at the end of a journal, where nobody else is told. NULL: nothing,
 * or it is no refusal. */
const char *reply_remedy(enum reply r);

#endif
