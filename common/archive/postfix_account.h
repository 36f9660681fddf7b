/* postfix_account: what Postfix accepted, by its log, against what was captured.
 *
 * A message that came from a client or a local program and was accepted must be captured: by its queue id (the milter's
 * door keeps it), or by a delivery that an archive answered with an id (a transport, always_bcc), or through the Postfix
 * that it was handed on to or came from (a content filter: "queued as"). When Postfix is done with it and it is not, it
 * is an incident. A captured message that the log shows begun and not accepted is marked: its client was told that it was
 * not taken, or never heard. Messages that Postfix makes itself (bounces) pass no door, and are not looked at; nor are
 * those that it discards. A message that began before the log does is not judged.
 *
 * One thread at a time. */
#ifndef ARCHIVE_POSTFIX_ACCOUNT_H
#define ARCHIVE_POSTFIX_ACCOUNT_H

#include "meta/mta.h"

struct postfix_account;

#define POSTFIX_QUEUED_MAX_US (6 * 86400 * INT64_C(1000000)) /* what is in the queue for longer is judged all the same */

/* grace_us: how long after a line about it a message is judged at the earliest. incident is told of each one that is found;
 * NULL: the log is. meta outlives it. */
struct postfix_account *postfix_account_new(struct meta *meta, int64_t grace_us,
	void (*incident)(const struct mta_message *m)) __attribute__((returns_nonnull));
void postfix_account_freep(struct postfix_account **a);

/* Takes up what an earlier account of a log that is followed left open. */
int postfix_account_resume(struct postfix_account *a, struct err *e) MUST_CHECK;

/* One line without its end. reference_us: a time at which it was there (postfix_line.h). */
void postfix_account_line(struct postfix_account *a, const char *line, size_t n, int64_t reference_us);

/* The time of the last line that had one; 0 before. */
int64_t postfix_account_last_us(const struct postfix_account *a);

/* Judges what can be judged, and keeps what is found, in one transaction: seen_us is until when all lines are known;
 * complete: no line follows for now. place: the log is followed, and what stays open is kept with it; else NULL. -1:
 * nothing was kept, and the account is of no use any more. */
int postfix_account_judge(struct postfix_account *a, int64_t seen_us, bool complete, const struct mta_place *place,
	struct err *e) MUST_CHECK;

struct postfix_counts {
	uint64_t lines;	     /* about messages */
	uint64_t accepted;   /* messages from clients and local programs */
	uint64_t captured;   /* of these */
	uint64_t incidents;  /* of these: not captured */
	uint64_t unaccepted; /* captured and not accepted */
	uint64_t open;	     /* not judged yet */
};
struct postfix_counts postfix_account_counts(const struct postfix_account *a);

#endif
