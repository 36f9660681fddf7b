/* permission: what programs may ask for. The same as the database's table of that name, which schema/ seeds:
 * tests/unit/meta/test_user proves it. */
#ifndef META_PERMISSION_H
#define META_PERMISSION_H

#include <stdbool.h>

/* Ended by NULL, in the order of their names. */
extern const char *const permission_names[];

bool permission_exists(const char *name);

#endif
