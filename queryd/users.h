/* users: the accounts of people: /api/v1/users/. Accounts are disabled, never deleted: the audit names them for ever. */
#ifndef QUERYD_USERS_H
#define QUERYD_USERS_H

#include "queryd/route.h"

extern const struct route user_routes[];

#endif
