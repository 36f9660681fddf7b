/* evidence: what the door saw of a transaction beyond the message, as one JSON object kept with the row:
 * client, helo, auth, tls, session, trace, mail_args, and rcpt_args ([{"address","args"}] of recipients that had any).
 * What the door doesn't know is left out. */
#ifndef ARCHIVE_EVIDENCE_H
#define ARCHIVE_EVIDENCE_H

#include "mail/capture.h"

/* Caller frees. Bytes that are not UTF-8 (a client may send any) are written as U+FFFD. */
char *evidence_json(const struct capture *c) __attribute__((returns_nonnull));

#endif
