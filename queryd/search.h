/* search: POST /api/v1/search/emails/. */
#ifndef QUERYD_SEARCH_H
#define QUERYD_SEARCH_H

#include "queryd/route.h"

/* A page of what matches within the account's scope, newest first. Every hit is read again from the database under the
 * same scope: what is not there, or not visible, is left out whatever the index says. */
extern const struct route search_routes[];

#endif
