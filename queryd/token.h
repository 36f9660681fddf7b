/* token: access tokens: JSON Web Tokens (RFC 7519) signed with ES256 and nothing else.
 *
 * token_verify() is the only place that trusts a token. libjwt by itself takes a token signed with HS256 and the public
 * key for a secret, ignores exp and nbf, and takes anything when it has no key; so the header is read and pinned before
 * the signature is looked at, the algorithm is checked again behind it, and every claim is checked here. */
#ifndef QUERYD_TOKEN_H
#define QUERYD_TOKEN_H

#include "base/uuid.h"
#include "queryd/keyring.h"

#define TOKEN_MAX 8192
#define TOKEN_ISSUER "strongroom"
#define TOKEN_AUDIENCE "strongroom-queryd"
#define TOKEN_SKEW_S 60 /* by how much another node's clock may be ahead */

struct token_claims {
	uint64_t account_id;
	struct uuid session_id; /* sid */
	struct uuid id;		/* jti */
	int64_t issued_s, not_before_s, expires_s; /* seconds since 1970 */
	int64_t factor_s;	/* auth_time: the last second factor when it was issued */
};

/* A signed token, good from issued_s on. All other members of c but id are used, which is made. Caller frees; NULL with
 * *e. */
char *token_issue(const struct keyring *k, struct token_claims *c, struct err *e) MUST_CHECK;

/* 0 with *c_r; -1 with the reason for the log: not for the client. A signature that is good for k is looked at once. */
int token_verify(const struct keyring *k, const char *token, int64_t now_s, struct token_claims *c_r, struct err *e)
	MUST_CHECK;

#endif
