/* mailbox_digest: what stands in an index for the mailbox of a participant: an address can hold any character and be of any
 * length, its digest can't. Pure. */
#ifndef INDEX_MAILBOX_DIGEST_H
#define INDEX_MAILBOX_DIGEST_H

#include <stdint.h>

#define MAILBOX_DIGEST_SIZE 16

/* Of a normalised address: the beginning of its SHA-256. */
void mailbox_digest(uint8_t digest_r[MAILBOX_DIGEST_SIZE], const char *normal);

#endif
