/* case_parts: the searches, holds and exports of a case, for its members. A search is run by each within his own scope; of
 * another's export they see its reason and how far it is; what is in it is for who asked for it alone. */
#ifndef QUERYD_CASE_PARTS_H
#define QUERYD_CASE_PARTS_H

#include "queryd/route.h"

extern const struct route case_part_routes[];

#endif
