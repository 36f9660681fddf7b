/* intake: one message on its way in through a door: its envelope, its bytes, and the room that they take up.
 *
 *	begin → add_recipient … → append … → complete → archive → report → end
 *
 * The first failure decides the outcome. What comes after it is dropped, and its room is given back at once. Belongs to
 * one thread at a time. */
#ifndef ARCHIVE_INTAKE_H
#define ARCHIVE_INTAKE_H

#include "archive/door.h"
#include "archive/room.h"

enum intake_outcome {
	INTAKE_OPEN,		    /* nothing is decided yet: go on */
	INTAKE_ARCHIVED,	    /* durable */
	INTAKE_STOPPING,	    /* the daemon is about to end; never said here */
	INTAKE_NOT_READY,	    /* store or database is down */
	INTAKE_BUSY,		    /* too many bytes under way */
	INTAKE_NO_STORAGE,	    /* the spool is full */
	INTAKE_FAILED,		    /* not archived, or unknown whether */
	INTAKE_TOO_MANY_RECIPIENTS, /* this recipient belongs into another transaction */
	INTAKE_TOO_LARGE,	    /* over message_size_max */
	INTAKE_OUTCOMES
};

struct intake {
	struct archive *archive;
	const struct conf *conf;
	struct capture capture;
	struct room room;
	int64_t begun_us, complete_us; /* monotonic */
	uint64_t size;		       /* once it is archived */
	enum intake_outcome failure;
	struct log_context log;
};

/* Who brings it; NULL where there is nothing to say. */
struct intake_peer {
	const char *client; /* "192.0.2.1:25" */
	const char *helo;
	const char *auth;
	const char *tls; /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
	const char *session;
};

/* The size is what the client announced, 0 for nothing. INTAKE_OPEN, or why not: then there is nothing to end. log: the
 * connection's; outlives the intake. */
enum intake_outcome intake_begin(struct intake *in, struct door *door, uint64_t size,
	const struct log_context *log) MUST_CHECK;

/* INTAKE_OPEN, or why this one is not taken. */
enum intake_outcome intake_add_recipient(struct intake *in, const char *address, const char *args) MUST_CHECK;

void intake_append(struct intake *in, const void *data, size_t n);

/* From outside: the intake has failed, unless it had before. */
void intake_fail(struct intake *in, enum intake_outcome failure);

/* The last byte has come. */
void intake_complete(struct intake *in, const struct intake_peer *peer);

/* INTAKE_ARCHIVED with its id, or the failure. */
enum intake_outcome intake_archive(struct intake *in, char archive_id_r[UUID_TEXT_SIZE]) MUST_CHECK;

/* One line for the log, whatever became of it. reply: what the client is told, "451 4.3.0", and the words to it. */
void intake_report(struct intake *in, enum intake_outcome outcome, const char *reply, const char *text);

/* Frees and gives back everything; harmless when it did not begin, or has ended. */
void intake_end(struct intake *in);

#endif
