/* export_list: which messages an export is of: what a query finds within a scope, newest first, or ids as they were given. One
 * thread. */
#ifndef WORKERD_EXPORT_LIST_H
#define WORKERD_EXPORT_LIST_H

#include "base/pack.h"
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

/* How many there are; or that it is not known. */
int export_list_total(struct export_list *l, uint64_t *total_r, bool *known_r, struct err *e) MUST_CHECK;

/* The next, up to max of them, and never more than EXPORT_LIST_AHEAD that are not done; *n_r is 0 at the end. None comes twice. */
#define EXPORT_LIST_AHEAD 128
int export_list_next(struct export_list *l, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e) MUST_CHECK;

/* The first of those that were given out and are not done is done. */
void export_list_done(struct export_list *l);

/* Appends to *state what export_list_resume() needs to give out those again that are not done, and what follows. */
int export_list_save(struct export_list *l, struct buf *state, struct err *e) MUST_CHECK;

/* Goes on where another one was saved; to be called first. -1 permanent: the index is not the same any more, or what was saved
 * can't be read. */
int export_list_resume(struct export_list *l, struct unpack *saved, struct err *e) MUST_CHECK;

#endif
