/* document: what the index holds of a message, made from its row and its text: the same for a capture, for the outbox
 * and for a rebuild.
 *
 * from: From, Sender, Resent-From, a journal report's Sender; to: To, Resent-To; cc: Cc; bcc: Bcc and the recipients of
 * a journal report; envelope: MAIL FROM and RCPT TO. A Reply-To that is nobody else's address is found in the body. */
#ifndef ARCHIVE_DOCUMENT_H
#define ARCHIVE_DOCUMENT_H

#include "base/strv.h"
#include "index/index.h"
#include "meta/message_row.h"

struct document {
	struct index_doc doc; /* views of the members below */
	struct strv mailboxes;
	struct strv senders, attachment_types, ids;
	char *from, *to, *cc, *bcc, *envelope, *subject, *body, *attachment_names, *message_id;
	size_t bytes; /* roughly what it takes in memory */
};

/* text becomes the document's; references: the identifiers that the message names. Caller frees. */
struct document *document_new(const struct message_row *row, const struct strv *references, char *text) __attribute__((returns_nonnull));
void document_freep(struct document **d);

#endif
