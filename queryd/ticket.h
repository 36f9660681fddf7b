/* ticket: the right to fetch one thing within the next minutes, in a form that stands in a URL: for programs that can't send an
 * access token, such as a browser's download.
 *
 * It names the session that it was given out in, whose account must still be one that may: signing out, revoking and narrowing
 * take it away at once. It is bound to what it is for by a MAC under the installation's key (sys/secret.h). */
#ifndef QUERYD_TICKET_H
#define QUERYD_TICKET_H

#include "queryd/call.h"

#define TICKET_US INT64_C(300000000) /* five minutes */
#define TICKET_TEXT_SIZE 96

struct ticket {
	uint64_t account_id;
	struct uuid session_id;
	int64_t until_us;
};

/* purpose: what it is for, as "email/<id>". Returns text, which may stand in a URL as it is. */
char *ticket_format(char text[TICKET_TEXT_SIZE], const struct secret_key *k, const char *purpose, const struct ticket *t);

/* -1: it is none of ours, or for something else, or too old. */
int ticket_parse(struct ticket *t_r, const struct secret_key *k, const char *purpose, const char *text, int64_t now_us)
	MUST_CHECK;

#endif
