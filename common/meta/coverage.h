/* coverage: counting messages by scope, each once however many of its mailboxes took part. For catalog.c. */
#ifndef META_COVERAGE_H
#define META_COVERAGE_H

#include "mail/scope.h"
#include "meta/sql.h"

/* Can coverage_few() count it? It has some mailboxes, but few, and a server to ask. */
bool coverage_is_few(const struct sql_conn *c, const struct scope *scope);

/* Messages of such a scope, and whether anything at all is on the outbox, by one statement. */
int coverage_few(struct sql_conn *c, const struct scope *scope, uint64_t *n_r, bool *waiting_r, struct err *e) MUST_CHECK;

/* Messages of the scope; of these, those on the outbox, however long that is. Both of the state that the connection sees. */
int coverage_archived(struct sql_conn *c, const struct scope *scope, uint64_t *n_r,
	struct err *e) MUST_CHECK;
int coverage_waiting(struct sql_conn *c, const struct scope *scope, uint64_t *n_r,
	struct err *e) MUST_CHECK;

#endif
