/* role: named sets of permissions. Those that come with the program never change; custom ones are made beside them. */
#ifndef META_ROLE_H
#define META_ROLE_H

#include "base/strv.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stdint.h>

struct role {
	char *name;
	char *meaning;
	uint64_t version;
	bool custom;
	uint64_t accounts; /* so many have it */
	struct strv permissions;
};

void role_deinit(struct role *r);

/* At most limit roles with a name behind `after`, by name. Caller deinits each and frees: role_list_free(). */
int meta_role_list(struct meta *m, const char *after, size_t limit, struct role **roles_r, size_t *n_r, struct err *e)
	MUST_CHECK;
void role_list_free(struct role *roles, size_t n);

/* 1 (caller deinits), 0, -1. */
int meta_role_get(struct meta *m, const char *name, struct role *r_r, struct err *e) MUST_CHECK;

/* 1; 0: there is one of this name. The permissions must exist (-1 permanent). */
int meta_role_add(struct meta *m, const char *name, const char *meaning, const struct strv *permissions, struct err *e)
	MUST_CHECK;

/* Of a custom role. 1; 0: there is none of this version. */
int meta_role_change(struct meta *m, const char *name, uint64_t version, const char *meaning,
	const struct strv *permissions, struct err *e) MUST_CHECK;

/* 1; 0: an account has it, it has another version than this, or there is no such custom role. */
int meta_role_remove(struct meta *m, const char *name, uint64_t version, struct err *e) MUST_CHECK;

#endif
