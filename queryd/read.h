/* read: one message: what is known of it, its bytes, its attachments. Handlers of the route table.
 *
 * A message that is not in the account's scope is answered exactly as one that does not exist. Bytes are compared with
 * their SHA-256 before the first of them leaves: what was altered is a 502, never altered bytes. */
#ifndef QUERYD_READ_H
#define QUERYD_READ_H

#include "queryd/call.h"

void read_metadata(struct call *c);
void read_content(struct call *c);
void read_attachment(struct call *c);

#endif
