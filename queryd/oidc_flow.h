/* oidc_flow: one sign-in at the OpenID provider on its way: what binds the browser that began it, what the provider is sent, and
 * what it must send back to each other.
 *
 * All of it comes from one cookie: random bytes and a time, under a MAC of the installation's key. The state, the nonce and the
 * verifier are further MACs over it, so that any replica can go on with what another began, and nobody, the browser included,
 * can make one out of another. A flow is over after OIDC_FLOW_LIFE_S; the provider takes its code once. */
#ifndef QUERYD_OIDC_FLOW_H
#define QUERYD_OIDC_FLOW_H

#include "sys/secret.h"

#define OIDC_FLOW_LIFE_S 600
#define OIDC_FLOW_COOKIE_SIZE 97 /* 72 bytes in base64url and a NUL */
#define OIDC_FLOW_TEXT_SIZE 44	 /* 32 bytes likewise */

struct oidc_flow {
	char cookie[OIDC_FLOW_COOKIE_SIZE];
	char state[OIDC_FLOW_TEXT_SIZE];
	char nonce[OIDC_FLOW_TEXT_SIZE];
	char verifier[OIDC_FLOW_TEXT_SIZE]; /* of PKCE (RFC 7636) */
	char challenge[OIDC_FLOW_TEXT_SIZE]; /* S256 of it */
};

void oidc_flow_begin(struct oidc_flow *f, const struct secret_key *k, int64_t now_s);

/* The flow of a cookie; -1: it is none of ours, or too old. */
int oidc_flow_resume(struct oidc_flow *f_r, const struct secret_key *k, const char *cookie, int64_t now_s) MUST_CHECK;

/* Is it this flow that somebody with this state goes on with? */
bool oidc_flow_is(const struct oidc_flow *f, const char *state);

#endif
