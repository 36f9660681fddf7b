/* department_import: `strongroom department import FILE`: departments and their mailboxes from a table. */
#ifndef CLI_DEPARTMENT_IMPORT_H
#define CLI_DEPARTMENT_IMPORT_H

#include "base/strv.h"
#include "meta/meta.h"

struct department_list {
	struct department_wanted {
		char *name;
		struct strv mailboxes; /* as they stand there, twice too */
	} *items; /* by name */
	size_t n;
};

/* From comma-separated values: the columns `department` and `mailbox` of a first line that names them, or two columns. -1
 * permanent: which line is wrong. Caller deinits. */
int department_list_read(struct department_list *l_r, const char *text, size_t n, struct err *e) MUST_CHECK;
void department_list_deinit(struct department_list *l);

/* Each of these departments has just these mailboxes from now on, others stay as they are. Each change is audited. */
int department_list_apply(struct meta *m, const struct department_list *l, struct err *e) MUST_CHECK;

#endif
