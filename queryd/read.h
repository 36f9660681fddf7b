/* read: one message: what is known of it, its bytes, its attachments.
 *
 * A message that is not in the account's scope is answered exactly as one that does not exist. Bytes are compared with
 * their SHA-256 before the first of them leaves: what was altered is a 502, never altered bytes. */
#ifndef QUERYD_READ_H
#define QUERYD_READ_H

#include "meta/message_row.h"
#include "queryd/route.h"

extern const struct route read_routes[];

/* The message that the path names, looked for after the audit's intent. detail: for the audit, JSON or NULL. 0 with the row,
 * which the caller deinits; -1: the response says why not. */
int read_row(struct call *c, const char *detail, struct message_row *row_r) MUST_CHECK;

/* The response: its bytes, compared with the row, or 304 where the client has them. */
void read_message(struct call *c, const struct message_row *row);

#endif
