/* holds: legal holds, which are placed and lifted here; strongroom-workerd puts them on the messages and takes them off.
 *
 * A hold is for no more than the account that places it may see, and is there for accounts that may see all that it can be
 * on, for the one that placed it, and for the members of its case. */
#ifndef QUERYD_HOLDS_H
#define QUERYD_HOLDS_H

#include "meta/hold.h"
#include "queryd/route.h"
#include "sys/json.h"

extern const struct route hold_routes[];

/* May the account of the call know of this hold? 1, 0, -1. */
int holds_visible(struct call *c, const struct uuid *id, struct err *e) MUST_CHECK;

cJSON *holds_present(const struct hold *h);

#endif
