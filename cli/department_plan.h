/* department_plan: what would have to change for departments to have the mailboxes that a table or the directory says. */
#ifndef CLI_DEPARTMENT_PLAN_H
#define CLI_DEPARTMENT_PLAN_H

#include "cli/department_list.h"
#include "meta/meta.h"

#include <stdint.h>
#include <stdio.h>

struct department_plan {
	struct department_difference {
		char *name;
		bool is_new;
		bool adopted;	   /* made by hand, it becomes the directory's */
		uint64_t accounts; /* so many have it in their scope */
		size_t before;	   /* mailboxes that it has */
		struct strv added, gone; /* normal addresses, in order */
	} *items; /* by name */
	size_t n;
};

/* Compares with what is in the database. With of_directory also those departments that are the directory's and that it no
 * longer names: their mailboxes are gone. What stands in `keep` (normal addresses, sorted; may be NULL) never is. Caller deinits. */
int department_plan_make(struct department_plan *p_r, struct meta *m, const struct department_list *wanted, bool of_directory,
	const struct strv *keep, struct err *e) MUST_CHECK;
void department_plan_deinit(struct department_plan *p);

/* Is there nothing to be done? With `remove` what is gone counts. */
bool department_is_unchanged(const struct department_difference *d, bool remove);

/* How many mailboxes, each counted once a department. */
struct department_count {
	size_t made, changed, unchanged; /* departments */
	size_t before, added, gone;	 /* mailboxes */
};
struct department_count department_plan_count(const struct department_plan *p, bool remove);

/* Normal addresses, each once, in order, in the place of what is there. */
void department_normalize(struct strv *mailboxes);

#endif
