/* retention: the policies that keep messages longer than lock_days says. */
#ifndef QUERYD_RETENTION_H
#define QUERYD_RETENTION_H

#include "queryd/route.h"

extern const struct route retention_routes[];

#endif
