/* holds: legal holds, which are placed and lifted here; strongroom-workerd puts them on the messages and takes them off.
 *
 * A hold is for no more than the account that places it may see, and is there for accounts that may see all that it can be
 * on, and for the one that placed it. */
#ifndef QUERYD_HOLDS_H
#define QUERYD_HOLDS_H

#include "queryd/route.h"

extern const struct route hold_routes[];

/* May the account of the call know of this hold? 1, 0, -1. */
int holds_visible(struct call *c, const struct uuid *id, struct err *e) MUST_CHECK;

#endif
