/* stored_reader: archived messages on their way back to documents: their rows from the database some at a time, their bytes
 * from the store by several threads at once, each checked against its SHA-256 and parsed. They are handed out in the order
 * in which they were asked for. One thread asks and takes. */
#ifndef ARCHIVE_STORED_READER_H
#define ARCHIVE_STORED_READER_H

#include "archive/archive.h"
#include "mail/message.h"
#include "meta/message_row.h"

struct document;
struct stored_reader;

#define STORED_AHEAD 128 /* messages that can be on their way */

/* For n messages or more. A single one is read by the thread that takes it. */
struct stored_reader *stored_reader_new(struct archive *a, size_t n) __attribute__((returns_nonnull));

/* The same for the messages themselves, to be taken with stored_reader_take_message(): not parsed, and no more bytes of them
 * on their way than STORED_AHEAD_BYTES, or one message that is longer. */
#define STORED_AHEAD_BYTES ((uint64_t)16 * 1024 * 1024)
struct stored_reader *stored_reader_new_for_messages(struct archive *a) __attribute__((returns_nonnull));

/* What is on its way is dropped; waits for the threads. */
void stored_reader_freep(struct stored_reader **r);

/* How many can be asked for now. */
size_t stored_reader_room(const struct stored_reader *r);

/* No more than there is room for, each given once. -1 when the database fails. */
int stored_reader_ask(struct stored_reader *r, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;

/* Waits for the oldest: 1 with *id_r and *d_r (caller frees), which is NULL when this message can't be had: unknown, its
 * object missing or altered (logged: somebody must look). 2: nor is it to be, for it was disposed of. 0 when none is on its way. -1 when the store or the parser
 * failed: then nothing more comes. */
int stored_reader_take(struct stored_reader *r, struct uuid *id_r, struct document **d_r, struct err *e) MUST_CHECK;

enum stored_trouble {
	STORED_FINE,
	STORED_UNKNOWN,	   /* the database has no such message */
	STORED_DAMAGED,	   /* its object is gone, or its bytes are not those that were archived */
	STORED_DISPOSED,   /* a disposition took it out of the archive */
	STORED_UNREADABLE, /* its object can't be read, while the store has no trouble with others */
};

struct stored_message {
	struct uuid id;
	enum stored_trouble trouble; /* what it is was logged */
	struct message_row row;	     /* unless it is unknown */
	struct message *message;     /* the archived bytes, when it is fine; else NULL */
};
void stored_message_deinit(struct stored_message *m);

/* As stored_reader_take(); caller deinits *m_r. */
int stored_reader_take_message(struct stored_reader *r, struct stored_message *m_r, struct err *e) MUST_CHECK;

#endif
