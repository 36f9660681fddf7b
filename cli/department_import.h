/* department_import: `strongroom department import FILE`: departments and their mailboxes from a table. */
#ifndef CLI_DEPARTMENT_IMPORT_H
#define CLI_DEPARTMENT_IMPORT_H

#include "cli/department_plan.h"

/* From comma-separated values: the columns `department` and `mailbox` of a first line that names them, or two columns. -1
 * permanent: which line is wrong. Caller deinits. */
int department_list_read(struct department_list *l_r, const char *text, size_t n, struct err *e) MUST_CHECK;

/* Each of these departments has just these mailboxes from now on, others stay as they are. Each change is audited. */
int department_list_apply(struct meta *m, const struct department_list *l, struct department_count *done_r, struct err *e)
	MUST_CHECK;

#endif
