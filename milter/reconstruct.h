/* reconstruct: a message out of the pieces that a mail server hands to a milter. No libmilter type, no state.
 *
 * A header field comes as name and value: the colon, and in old protocols the blank behind it, are left out, and lines of
 * a folded value end in LF. The body comes as it is. What is put together here is, byte for byte, what the mail server
 * has; tests/e2e/test_milter_bytes.py shows for Postfix and Sendmail where that differs from what the client sent:
 *
 * Both		white space between a field's name and its colon is gone; before a line that ends the header without being
 *		a header field (no colon, a name with a blank, a continuation first of all) stands an empty line; a
 *		message that ends with its header has an empty line behind it
 * Postfix	the fields Bcc, Resent-Bcc, Return-Path and Content-Length are gone (message_drop_headers); a NUL cuts its
 *		header line off; a bare CR is a blank and a bare LF is CR LF, in header and body; "From " or ">From " of an
 *		mbox, first of all, is a field X-Mailbox-Line; in nested headers, too, white space before a colon is gone;
 *		header text over header_size_limit is cut; for clients in local_header_rewrite_clients addresses are
 *		completed and missing Date, From and Message-Id fields stand behind the others (for all with
 *		always_add_missing_headers)
 * Sendmail	a NUL in the header is gone; "From " of an mbox, first of all, is gone; a message with a bare CR or LF is
 *		refused
 *
 * The trace field (Received) that the mail server itself puts on top is not shown to a milter. */
#ifndef MILTER_RECONSTRUCT_H
#define MILTER_RECONSTRUCT_H

#include "base/buf.h"

#include <stdbool.h>

/* Appends a header field with its line end. leading_space: the value begins with what follows the colon
 * (SMFIP_HDR_LEADSPC); else one blank is put there. -1 when b's maximum is passed. */
int reconstruct_header(struct buf *b, const char *name, const char *value, bool leading_space) MUST_CHECK;

/* Appends the empty line between header and body. */
int reconstruct_end_of_header(struct buf *b) MUST_CHECK;

#endif
