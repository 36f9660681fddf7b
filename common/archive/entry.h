/* entry: one message on its way through archive_put(): what the steps after each other find out about it. */
#ifndef ARCHIVE_ENTRY_H
#define ARCHIVE_ENTRY_H

#include "archive/document.h"
#include "mail/capture.h"
#include "meta/message_row.h"

struct index_batch;

struct entry {
	const struct capture *capture;
	uint8_t key[SHA256_SIZE];
	uint8_t envelope_hash[SHA256_SIZE];
	struct message_row row;	   /* row.id is the archive id */
	struct uuid *holds;	   /* that it comes under */
	size_t hold_count;
	struct document *document; /* NULL once the group has handed it to the indexer */
	struct index_batch *batch; /* to wait for; NULL: on the outbox */
	/* what the look-up or group_commit() decided */
	bool known; /* somebody else archived it first, as known_as */
	struct uuid known_as;
	int result; /* 0 or -1 */
	struct err err;
};

/* Fills of the row what the capture alone says; enough to store the object. */
void entry_identify(struct entry *e);

/* Fills the rest (all but the locator and what policy decides) and the document, from what could be read of the
 * message. Takes over what it needs of *parsed, which is fit for parsed_freep() only then. */
void entry_describe(struct entry *e, struct parsed *parsed);

void entry_deinit(struct entry *e);

#endif
