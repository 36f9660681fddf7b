/* refresh_token: the token that goes on with a session. It names the session and has two random parts: one that all tokens of a
 * session share, and one that is good for a single refresh. So an old one is told from an invented one, however old it is:
 * somebody has a copy of it, and the session must end (RFC 9700, 4.14.2).
 *
 * Two requests of one client may use the same token in the same moment. One gets the next token; the other one gets nothing,
 * and that is no reason to end the session while the refresh is REFRESH_GRACE_US old at most. Nobody gains by it: in that time
 * as later a token is good for one answer. */
#ifndef QUERYD_REFRESH_TOKEN_H
#define QUERYD_REFRESH_TOKEN_H

#include "meta/session.h"

#define REFRESH_TOKEN_SIZE 129 /* 64 bytes in hexadecimal and a NUL */
#define REFRESH_GRACE_US INT64_C(10000000)

struct refresh_token {
	struct uuid session_id;
	uint8_t family[16];
	uint8_t secret[32];
};

/* The first one of a session. */
void refresh_token_new(struct refresh_token *t_r, const struct uuid *session_id);

/* Gives it another secret. */
void refresh_token_next(struct refresh_token *t);

void refresh_token_format(char text[REFRESH_TOKEN_SIZE], const struct refresh_token *t);
int refresh_token_parse(struct refresh_token *t_r, const char *text) MUST_CHECK;

/* What meta keeps of it: refresh_family and refresh_hash of s. */
void refresh_token_hash(const struct refresh_token *t, struct session *s);

enum refresh_state {
	REFRESH_GOOD,
	REFRESH_RACED,	 /* used a moment ago */
	REFRESH_REUSED,	 /* used before */
	REFRESH_UNKNOWN, /* never given to anybody */
};

/* Held against its session, as it was read. */
enum refresh_state refresh_token_state(const struct refresh_token *t, const struct session *s, int64_t now_us);

#endif
