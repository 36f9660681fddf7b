/* department: departments and the mailboxes that they have, as those see them who manage them. meta/account.h has what scopes
 * are made from. */
#ifndef META_DEPARTMENT_H
#define META_DEPARTMENT_H

#include "base/strv.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stdint.h>

struct department {
	char *name;
	uint64_t version; /* moved on by every change of its mailboxes */
	uint64_t mailboxes;
	uint64_t accounts; /* so many have it in their scope */
	bool directory;	   /* the directory has the say in who is in it */
};

void department_deinit(struct department *d);

/* At most limit departments with a name behind `after`, by name. Caller deinits each and frees: department_list_free(). */
int meta_department_list(struct meta *m, const char *after, size_t limit, struct department **list_r, size_t *n_r,
	struct err *e) MUST_CHECK;
void department_list_free(struct department *list, size_t n);

/* 1 (caller deinits), 0, -1. */
int meta_department_get(struct meta *m, const char *name, struct department *d_r, struct err *e) MUST_CHECK;

/* At most limit of its mailboxes behind `after`, in order. 1, 0 when there is no such department, -1. */
int meta_department_page(struct meta *m, const char *name, const char *after, size_t limit, struct strv *mailboxes_r,
	struct err *e) MUST_CHECK;

/* It has just these mailboxes from now on. 1; 0: there is none of this version. -1 permanent: one is no mailbox. */
int meta_department_replace(struct meta *m, const char *name, uint64_t version, const struct strv *mailboxes,
	struct err *e) MUST_CHECK;

/* From the directory: it has the first mailboxes too from now on, and the others no longer; it is made when there is none of this
 * name, and is the directory's in any case. All of it or nothing. -1 permanent: one is no mailbox. */
int meta_department_sync(struct meta *m, const char *name, const struct strv *added, const struct strv *removed,
	struct err *e) MUST_CHECK;

/* 1; 0: an account has it in its scope, or it has another version than this, or there is none. */
int meta_department_remove(struct meta *m, const char *name, uint64_t version, struct err *e) MUST_CHECK;

/* Mailboxes that are in a department, each once, in order, behind `after`. Caller deinits. */
int meta_member_list(struct meta *m, const char *after, size_t limit, struct strv *mailboxes_r, struct err *e) MUST_CHECK;

/* In which departments a mailbox (in any spelling) is; none: the list is empty. Caller deinits. */
int meta_member_departments(struct meta *m, const char *mailbox, struct strv *departments_r, struct err *e) MUST_CHECK;

/* It is in just these departments from now on; none takes it out of all. -1 permanent: one does not exist. */
int meta_member_set(struct meta *m, const char *mailbox, const struct strv *departments, struct err *e) MUST_CHECK;

#endif
