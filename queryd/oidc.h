/* oidc: signing in through an OpenID provider: the authorization code flow with PKCE (RFC 9700; OpenID Connect Core 1.0, 3.1). */
#ifndef QUERYD_OIDC_H
#define QUERYD_OIDC_H

#include "queryd/route.h"

/* GET auth/oidc/start: sends the browser to the provider, with a cookie that binds it to the flow (queryd/oidc_flow.h).
 *
 * GET auth/oidc/callback?code=…&state=…: to where the provider sends it back. The answer is that of auth/login, and what follows
 * as there; or, where the provider's second factor counts and was asked for, that of auth/totp. Both are 404 where no provider
 * is configured. */
extern const struct route oidc_routes[];

#endif
