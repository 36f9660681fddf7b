/* provider: the OpenID provider that people sign in through (conf->oidc_…): what it tells of itself, and for the codes that it gives
 * to browsers who they are.
 *
 * Its document and its keys are fetched when they are needed first, and again after PROVIDER_LIFE_US, or when a token is of a key
 * that is not known. While it does not answer it is asked once in PROVIDER_REST_US, and what was fetched before goes on. Any
 * thread; one at a time asks for document and keys, and the others wait for that. */
#ifndef QUERYD_PROVIDER_H
#define QUERYD_PROVIDER_H

#include "conf/conf.h"
#include "queryd/id_token.h"
#include "queryd/oidc_flow.h"

#define PROVIDER_LIFE_US (3600 * INT64_C(1000000))
#define PROVIDER_REST_US (2 * INT64_C(1000000))
#define PROVIDER_KEYS_REST_US (30 * INT64_C(1000000)) /* between two fetches for unknown keys */

struct provider;

/* conf must outlive it. NULL when conf names no provider. */
struct provider *provider_new(const struct conf *conf);
void provider_freep(struct provider **p);

/* Where the browser signs in: caller frees. NULL with *e: the provider can't be asked. */
char *provider_sign_in_url(struct provider *p, const struct oidc_flow *f, struct err *e) MUST_CHECK;

#define PROVIDER_CODE_MAX 4096

/* What the browser brought back. */
struct provider_answer {
	const char *code; /* of at most PROVIDER_CODE_MAX bytes */
	const char *issuer; /* NULL: it says none (RFC 9207) */
};

/* 1 with the ID token (caller deinits) and, where it leaves the name or the groups out, what the userinfo endpoint says of them; 0: code,
 * token or that answer are not good, *e says why, for the log; -1: the provider does not do as it should, or the client's secret can't
 * be read, or is wrong. */
int provider_take_code(struct provider *p, const struct provider_answer *a, const struct oidc_flow *f, struct id_token *t_r,
	struct err *e) MUST_CHECK;

/* Does the token say that the provider has asked for a second factor, lately enough (conf->queryd_mfa_session_us), and does the
 * configuration count it? */
bool provider_was_strong(const struct provider *p, const struct id_token *t);

#endif
