/* directory_groups: the groups that groups are in (memberOf of a group), of any depth. Each group is asked for once, whoever is in
 * it; groups that are in each other come to an end. Pure but for who is asked. One thread. */
#ifndef CLI_DIRECTORY_GROUPS_H
#define CLI_DIRECTORY_GROUPS_H

#include "base/err.h"
#include "cli/directory_person.h"

#define DIRECTORY_GROUPS_DEPTH_MAX 64 /* groups inside of each other; nobody can oversee as many */
#define DIRECTORY_GROUPS_MAX 100000   /* in all */

struct directory_groups {
	/* Gives *in_r, which is empty, the groups that dn is in. -1: that can't be said. */
	int (*ask)(void *ctx, const char *dn, struct directory_values *in_r, struct err *e);
	void *ctx;
	struct directory_group **known; /* by key */
	size_t n;
	uint64_t turn;
};

void directory_groups_deinit(struct directory_groups *g);

/* Adds to a person's groups all that those are in, at any depth; some may be there twice. Values that are no names of entries lead
 * nowhere. -1: some can't be said, or one of the limits above is passed; then *groups is not all of them. */
int directory_groups_follow(struct directory_groups *g, struct directory_values *groups, struct err *e) MUST_CHECK;

#endif
