/* dispositions: the queue of what may be removed because nothing keeps it any longer. Somebody proposes, somebody else decides;
 * nothing is removed here.
 *
 * A disposition is of no more than its proposer may see, and is there for him and for accounts that may see all that it is
 * of: nobody approves of what he could not look at. */
#ifndef QUERYD_DISPOSITIONS_H
#define QUERYD_DISPOSITIONS_H

#include "queryd/route.h"

extern const struct route disposition_routes[];

#endif
