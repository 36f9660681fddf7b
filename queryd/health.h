/* health: for load balancers and monitoring, without sign-in. */
#ifndef QUERYD_HEALTH_H
#define QUERYD_HEALTH_H

#include "queryd/route.h"

/* healthz: 200 as long as requests are answered at all.
 * readyz: 200, or 503 with the names of what can't be reached of meta, store and index. */
extern const struct route health_routes[];

#endif
