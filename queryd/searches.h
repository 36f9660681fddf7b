/* searches: /api/v1/searches/: searches that somebody keeps for himself. Running one is a search that names it
 * (queryd/query.h), within the scope of whoever runs it. */
#ifndef QUERYD_SEARCHES_H
#define QUERYD_SEARCHES_H

#include "queryd/route.h"

extern const struct route searches_routes[];

#endif
