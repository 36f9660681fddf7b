/* signin: from a password and a one-time code to an access token. Handlers of the route table. */
#ifndef QUERYD_SIGNIN_H
#define QUERYD_SIGNIN_H

#include "queryd/call.h"

#define SIGNIN_USERNAME_MAX 256
#define SIGNIN_PASSWORD_MAX 1024

/* {"username","password"} → {"mfa_token","expires_in"}. Of an unknown user, a disabled one and a wrong password the
 * answers are the same and take as long. */
void signin_password(struct call *c);

/* {"mfa_token","code"} → {"access_token","token_type","expires_in"}. A code is good once, and few may be
 * tried (meta/account.h): an account without tries left gets the answer of a wrong code. */
void signin_totp(struct call *c);

#endif
