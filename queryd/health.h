/* health: for load balancers and monitoring, without sign-in. Handlers of the route table. */
#ifndef QUERYD_HEALTH_H
#define QUERYD_HEALTH_H

#include "queryd/call.h"

/* 200 as long as requests are answered at all. */
void health_alive(struct call *c);

/* 200, or 503 with the names of what can't be reached of meta, store and index. */
void health_ready(struct call *c);

#endif
