/* session_begin: what somebody who has proved who they are gets: a session, its refresh token, and access tokens. */
#ifndef QUERYD_SESSION_BEGIN_H
#define QUERYD_SESSION_BEGIN_H

#include "queryd/call.h"
#include "queryd/refresh_token.h"

/* Begins a session of c->account, proved by `strength`, of which the second factor was shown then: its first tokens, as
 * session_tokens(). */
cJSON *session_begin(struct call *c, const char *strength, int64_t factor_us) MUST_CHECK;

/* A new access token of c->session and this refresh token: {"access_token","token_type","expires_in","refresh_token",
 * "refresh_expires_in"}. Caller frees; NULL: the response is set. */
cJSON *session_tokens(struct call *c, const struct refresh_token *refresh) MUST_CHECK;

#endif
