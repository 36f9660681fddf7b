/* verdict: what the mail server is told of an outcome, and in which words. One table; libmilter's own codes are
 * callback.c's business. */
#ifndef MILTER_VERDICT_H
#define MILTER_VERDICT_H

#include "archive/intake.h"

enum action { ACTION_CONTINUE, ACTION_ACCEPT, ACTION_TEMPFAIL, ACTION_REJECT };

struct verdict_reply {
	enum action action;
	const char *code;     /* "451"; NULL where the mail server says what it likes */
	const char *enhanced; /* "4.3.0" */
	const char *text;     /* without '%': libmilter takes it for a format */
};

/* Never NULL. */
const struct verdict_reply *verdict_reply(enum intake_outcome outcome);

#endif
