/* door: the archive as a daemon that takes mail has it: open, or not yet. */
#ifndef ARCHIVE_DOOR_H
#define ARCHIVE_DOOR_H

#include "archive/archive.h"
#include "base/clock.h"

#include <stdatomic.h>

/* How often to try again while the archive can't be opened. */
#define DOOR_RETRY (5 * CLOCK_SECOND)

/* The members above the line are set by its owner, and outlive it. */
struct door {
	const struct conf *conf;
	const char *name; /* of the daemon: "lmtpd" */
	enum capture_kind kind;
	const char *point; /* name of this way in */
	/* ---- */
	_Atomic(struct archive *) archive; /* NULL until it could be opened; set by one thread, read by any */
};

/* Opens the archive, for the first time. With a temporary failure it is 0 all the same, with a line in the log: mail is put
 * off until door_try() succeeds. -1 permanent. */
int door_open(struct door *d, struct err *e) MUST_CHECK;

/* Tries again. */
void door_try(struct door *d);

bool door_is_open(struct door *d);

/* Closes it if it is open. No message may be on its way in. */
void door_close(struct door *d);

#endif
