/* check_message: does everything that is kept of one message agree: row, ledger record, leaf, and object? */
#ifndef CLI_CHECK_MESSAGE_H
#define CLI_CHECK_MESSAGE_H

#include "meta/maintenance.h"
#include "store/store.h"

enum message_fault {
	FAULT_DATABASE, /* rows, record and leaf contradict each other */
	FAULT_OBJECT,	/* the object is gone, or has other bytes than were archived */
	FAULT_MODE,	/* the object may be written to */
	FAULT_LEFT,	/* the object is there, and was removed */
	FAULT_READING,	/* it could not be looked at */
	MESSAGE_FAULTS, /* how many kinds there are */
};

struct check_message {
	struct meta *meta;
	struct store *store; /* NULL: it does not answer, and no object is looked at */
	bool bytes;   /* read the object and compare its SHA-256 */
	bool batches; /* meta_ledger_verify() has told already which messages have no record */
	void (*report)(struct check_message *c, enum message_fault kind, const char *what);
	/* counted over all messages */
	uint64_t disposed; /* a disposition took them out of the archive */
	uint64_t removed;  /* of these, those whose objects are gone */
	uint64_t objects; /* that are there */
	uint64_t locked;  /* of these, those that their own account can't change (store_state) */
};

/* Reports each fault of the message, by its id. -1: the database can't be read. */
int check_message(struct check_message *c, const struct uuid *id, struct err *e) MUST_CHECK;

#endif
