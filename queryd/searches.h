/* searches: /api/v1/searches/: searches that somebody keeps for himself. Running one is a search that names it
 * (queryd/query.h), within the scope of whoever runs it. One that is put in a case is told to the members of it
 * (queryd/case_parts.h), and nobody but who keeps it changes it. */
#ifndef QUERYD_SEARCHES_H
#define QUERYD_SEARCHES_H

#include "meta/saved_search.h"
#include "queryd/route.h"
#include "sys/json.h"

extern const struct route searches_routes[];

cJSON *searches_present(const struct saved_search *s);

#endif
