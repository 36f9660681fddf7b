/* read: one message: what is known of it, its bytes, its attachments.
 *
 * A message that is not in the account's scope is answered exactly as one that does not exist. Bytes are compared with
 * their SHA-256 before the first of them leaves: what was altered is a 502, never altered bytes. */
#ifndef QUERYD_READ_H
#define QUERYD_READ_H

#include "queryd/route.h"

extern const struct route read_routes[];

#endif
