/* department_group: all departments with all of their mailboxes, for counting by department. */
#ifndef META_DEPARTMENT_GROUP_H
#define META_DEPARTMENT_GROUP_H

#include "base/strv.h"
#include "meta/meta.h"

struct department_group {
	char *name;
	struct strv mailboxes; /* normal addresses, sorted */
};

struct department_groups {
	struct department_group *list; /* the oldest first; those without a mailbox are left out */
	size_t n;
	bool whole; /* else there are others: no more than `max` mailboxes were read */
};

/* Those that at most max mailboxes make, each whole; caller deinits. */
int meta_department_groups(struct meta *m, size_t max, struct department_groups *g_r, struct err *e) MUST_CHECK;
void department_groups_deinit(struct department_groups *g);

#endif
