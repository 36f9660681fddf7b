/* message_record: what the ledger keeps of a message. */
#ifndef META_MESSAGE_RECORD_H
#define META_MESSAGE_RECORD_H

#include "mail/capture.h"
#include "sys/digest.h"

#include <stdint.h>

/* The verbatim record with its nonce and leaf, and the place in its daemon's sequence. */
struct meta_record {
	char *daemon;
	uint64_t seq;
	uint8_t nonce[LEDGER_NONCE_SIZE];
	uint8_t leaf[SHA256_SIZE];
	uint8_t *record;
	size_t record_length;
};

void meta_record_deinit(struct meta_record *r);

#endif
