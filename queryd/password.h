/* password: POST auth/password: {"current_password","new_password"}: whoever is signed in takes another one. All other sessions
 * of the account end, and sign-ins that have come half way. */
#ifndef QUERYD_PASSWORD_H
#define QUERYD_PASSWORD_H

#include "queryd/route.h"
#include "sys/password_rules.h"

extern const struct route password_routes[];

/* Is this the password of who is signed in? For what a session that was left open must not do. Tries count as those of
 * signing in. -1: the response is set; field: of the request. */
int password_prove(struct call *c, const char *field, const char *password) MUST_CHECK;

/* May this user have this password? -1: the response says why not; field: of the request. */
int password_accept(struct call *c, const char *field, const char *username, const char *password) MUST_CHECK;

#endif
