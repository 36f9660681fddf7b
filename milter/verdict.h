/* verdict: what the mail server is told, and in which words. One table; libmilter's own codes are callback.c's business. */
#ifndef MILTER_VERDICT_H
#define MILTER_VERDICT_H

enum verdict {
	VERDICT_CONTINUE,	     /* go on: nothing is decided before the end of the message */
	VERDICT_ARCHIVED,	     /* durable: the message may be accepted */
	VERDICT_STOPPING,	     /* this daemon is about to end */
	VERDICT_NOT_READY,	     /* store or database is down */
	VERDICT_BUSY,		     /* too many bytes under way */
	VERDICT_NO_STORAGE,	     /* the spool is full */
	VERDICT_FAILED,		     /* not archived, or unknown whether */
	VERDICT_TOO_MANY_RECIPIENTS, /* this recipient belongs into another transaction */
	VERDICT_TOO_LARGE,	     /* over message_size_max */
	VERDICT_REFUSED,	     /* can never be archived */
	VERDICT_COUNT
};

enum action { ACTION_CONTINUE, ACTION_ACCEPT, ACTION_TEMPFAIL, ACTION_REJECT };

struct verdict_reply {
	enum action action;
	const char *code;     /* "451"; NULL where the mail server says what it likes */
	const char *enhanced; /* "4.3.0" */
	const char *text;     /* without '%': libmilter takes it for a format */
};

/* Never NULL. */
const struct verdict_reply *verdict_reply(enum verdict v);

#endif
