/* signin: from a password and a one-time code to a session. */
#ifndef QUERYD_SIGNIN_H
#define QUERYD_SIGNIN_H

#include "queryd/route.h"

#define SIGNIN_USERNAME_MAX 256
#define SIGNIN_PASSWORD_MAX 1024

/* POST auth/login: {"username","password"} → {"mfa_token","expires_in"}. Of an unknown user, a disabled one and a wrong
 * password the answers are the same and take as long.
 *
 * POST auth/totp: {"mfa_token","code"} → the tokens of a session (queryd/session_begin.h). A code is good once, and few may
 * be tried (meta/account.h): an account without tries left gets the answer of a wrong code. */
extern const struct route signin_routes[];

#endif
