/* account_private: what account.c shares with the other files of this folder that write accounts, roles and departments. */
#ifndef META_ACCOUNT_PRIVATE_H
#define META_ACCOUNT_PRIVATE_H

#include "meta/account.h"
#include "meta/meta_private.h"

/* Adds the first column of every row to the list. */
int account_take_texts(struct sql_stmt *st, struct strv *list, struct err *e) MUST_CHECK;

/* The next column, or `open` where it is NULL. */
int64_t account_time_or(struct sql_stmt *st, int64_t open);

/* The next three values: all, from, until. */
void account_bind_scope(struct sql_stmt *st, const struct account_scope *scope);

/* Adds rows that name something else, which must exist (-1 permanent). Twice the same is once. names may be NULL. */
int account_link_names(struct sql_conn *c, enum statement s, uint64_t id, const char *kind, const struct strv *names,
	struct err *e) MUST_CHECK;
int account_link_mailboxes(struct sql_conn *c, enum statement s, uint64_t id, const struct strv *mailboxes, struct err *e)
	MUST_CHECK;
int account_link_scope(struct sql_conn *c, uint64_t id, const struct account_scope *scope, struct err *e) MUST_CHECK;

/* The account with its roles and scope, in the caller's transaction. As meta_account_add(). */
int account_insert(struct sql_conn *c, const struct account_new *a, uint64_t *id_r, struct err *e) MUST_CHECK;

/* The certificate that a program's token is bound to, in the caller's transaction. */
int service_set_certificate(struct sql_conn *c, uint64_t account_id, const uint8_t *certificate, struct err *e) MUST_CHECK;

/* Runs a statement whose one value is an id. */
int account_run_on(struct sql_conn *c, enum statement s, uint64_t id, struct err *e) MUST_CHECK;

/* The department of this name, which is made when there is none. */
int department_make(struct sql_conn *c, const char *name, uint64_t *id_r, struct err *e) MUST_CHECK;

/* 0 with the id, which is 0 when there is no department of this name. */
int department_find(struct sql_conn *c, const char *name, uint64_t *id_r, struct err *e) MUST_CHECK;

/* account.c: the columns of STMT_ACCOUNT_BY_… from the next one on, and then, when st is finished, the permissions and
 * mailboxes. For what reads an account together with something else; c sees one state of the database throughout. */
void account_take(struct sql_stmt *st, struct account *a);
int account_load_lists(struct sql_conn *c, struct account *a, struct err *e) MUST_CHECK;

#endif
