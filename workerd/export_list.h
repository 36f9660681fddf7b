/* export_list: which messages an export is of: what a query finds within a scope, newest first, or ids as they were given. One
 * thread. */
#ifndef WORKERD_EXPORT_LIST_H
#define WORKERD_EXPORT_LIST_H

#include "base/uuid.h"
#include "conf/conf.h"
#include "mail/scope.h"

#include <stdbool.h>

struct export_list;

/* request: JSON as meta/export.h has it. conf and scope must outlive the list. -1 permanent: it can't be carried out, and never
 * will be; temporary: the index does not answer. */
int export_list_open(struct export_list **l_r, const struct conf *conf, const struct scope *scope, const char *request,
	struct err *e) MUST_CHECK;
void export_list_freep(struct export_list **l);

/* Were they given by id? Then each is to be accounted for, also one that is not there. */
bool export_list_is_given(const struct export_list *l);

/* How many there are; false: not known. */
bool export_list_total(const struct export_list *l, uint64_t *total_r);

/* The next, up to max of them; *n_r is 0 at the end. None comes twice. */
int export_list_next(struct export_list *l, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e) MUST_CHECK;

#endif
