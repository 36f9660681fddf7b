/* userinfo: what an OpenID provider says of who has signed in beyond the ID token (OpenID Connect Core 1.0, 5.3): many put the
 * groups and the address there alone. Any thread. */
#ifndef QUERYD_USERINFO_H
#define QUERYD_USERINFO_H

#include "sys/http_client.h"
#include "sys/json.h"

#define USERINFO_TOKEN_MAX (32u * 1024) /* of an access token */

/* Asks with the access token that came with the ID token of this subject. 1 with the claims (caller frees); 0: they are of somebody
 * else, *e says so, for the log; -1: the provider does not answer as it should. */
int userinfo_ask(struct http_client *h, const char *url, const char *access_token, const char *subject, cJSON **claims_r, struct err *e)
	MUST_CHECK;

#endif
