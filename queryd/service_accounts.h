/* service_accounts: the accounts of programs: /api/v1/service-accounts/. A program has no password: it shows a token, which is
 * told once and kept as a hash, over a TLS connection on which it has shown the client certificate that the token is bound
 * to. One without the other is nothing. */
#ifndef QUERYD_SERVICE_ACCOUNTS_H
#define QUERYD_SERVICE_ACCOUNTS_H

#include "queryd/route.h"

#define SERVICE_TOKEN_PREFIX "srs_" /* what tells them from access tokens, and scanners for leaked secrets what they found */
#define SERVICE_TOKEN_SIZE (4 + 64 + 1)

extern const struct route service_account_routes[];

#endif
