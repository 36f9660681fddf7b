/* postfix_line: what a line of Postfix's log says about a message. Any bytes may stand in it.
 *
 * Times as syslog writes them: RFC 3339 ("2026-11-23T01:05:45.123456+01:00"), or RFC 3164 ("Nov 23 01:05:45"), which is
 * local time without a year. Instances and services by any name: postfix/smtpd, postfix-out/lmtp, postfix/submission/smtpd. */
#ifndef ARCHIVE_POSTFIX_LINE_H
#define ARCHIVE_POSTFIX_LINE_H

#include "base/uuid.h"

#include <stdbool.h>

enum postfix_event {
	POSTFIX_OTHER,	   /* nothing about a message */
	POSTFIX_BEGUN,	   /* a client (smtpd) or a local program (pickup) brings it */
	POSTFIX_HEADER,	   /* its header is read: message_id */
	POSTFIX_QUEUED,	   /* Postfix has accepted it */
	POSTFIX_DELIVERED, /* to a recipient */
	POSTFIX_REFUSED,   /* by a check of its content, or a milter, at its end */
	POSTFIX_DISCARDED, /* the same, and the client was told that it was accepted */
	POSTFIX_REMOVED,   /* from the queue: it is finished */
	POSTFIX_BROKEN,	   /* the client of smtpd process `pid` has gone, in good order or not; no queue id */
};

#define POSTFIX_ID_MAX 32
#define POSTFIX_TEXT_MAX 255

struct postfix_line {
	enum postfix_event event;
	int64_t at_us; /* 0: the line has no time */
	bool local_time; /* RFC 3164: an hour of a year is told twice */
	char host[POSTFIX_TEXT_MAX + 1];
	uint64_t pid;
	char queue_id[POSTFIX_ID_MAX + 1];
	bool by_client;				/* BEGUN: by smtpd */
	char client[POSTFIX_TEXT_MAX + 1];	/* BEGUN: "mail.example.net[192.0.2.1]", "uid=0"; cut when longer */
	char message_id[POSTFIX_TEXT_MAX + 1];	/* HEADER: without <>, cut when longer */
	bool archived;				/* DELIVERED: to an archive, which answered with an id */
	struct uuid archive_id;
	char queued_as[POSTFIX_ID_MAX + 1]; /* DELIVERED: to a Postfix, under this queue id; "" */
};

/* Reads the n bytes of a line without its end. reference_us: a time at which the line was there already, for the year of
 * RFC 3164. */
void postfix_line_read(struct postfix_line *l_r, const char *line, size_t n, int64_t reference_us);

#endif
