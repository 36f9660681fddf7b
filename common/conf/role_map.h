/* role_map: which groups of a sign-in provider give which roles: the setting oidc.roles, "ROLE:GROUP ROLE:GROUP …". In GROUP a
 * blank, a comma, a ';' and a '%' are written as %20, %2C, %3B and %25. */
#ifndef CONF_ROLE_MAP_H
#define CONF_ROLE_MAP_H

#include "base/err.h"
#include "base/strv.h"

/* Is it one item of the list? -1 permanent. */
int role_map_check(const char *item, struct err *e) MUST_CHECK;

/* Adds the roles that somebody in these groups has, each once, by name; groups NULL: all that the map names. `map` was checked. */
void role_map_roles(const char *map, const struct strv *groups, struct strv *roles);

#endif
