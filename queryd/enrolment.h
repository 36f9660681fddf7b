/* enrolment: a second factor for an account: a secret is made, shown once, and counts as soon as a code of it has come.
 *
 * By who is signed in, in the place of the factor there is; all other sessions end:
 *	POST auth/totp/enrol → {"totp_secret","otpauth_url","qr_svg","expires_in"}
 *	POST auth/totp/confirm: {"code"} → {"recovery_codes":[…]}
 * By whom an administrator has taken the factor away, with the password and the token that the administrator was given:
 *	POST auth/enrolment: {"mfa_token","enrolment_token"} → as auth/totp/enrol
 *	POST auth/enrolment/confirm: {"mfa_token","code"} → the tokens of a session, and the recovery codes */
#ifndef QUERYD_ENROLMENT_H
#define QUERYD_ENROLMENT_H

#include "queryd/route.h"

#define ENROLMENT_LIFE_S 600

extern const struct route enrolment_routes[];

#endif
