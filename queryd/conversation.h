/* conversation: GET /api/v1/archive/emails/{id}/conversation: the messages that belong to the one that the path names, as far
 * as they are in the account's scope. A handler of the route table. */
#ifndef QUERYD_CONVERSATION_H
#define QUERYD_CONVERSATION_H

#include "queryd/route.h"

extern const struct route conversation_routes[];

#endif
