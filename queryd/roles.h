/* roles: named sets of permissions: /api/v1/roles/. Those that come with the program can't be changed. */
#ifndef QUERYD_ROLES_H
#define QUERYD_ROLES_H

#include "queryd/route.h"

extern const struct route role_routes[];

#endif
