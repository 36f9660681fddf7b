/* authz: what somebody who is signed in may do and see. The only file of this program that makes scopes. */
#ifndef QUERYD_AUTHZ_H
#define QUERYD_AUTHZ_H

#include "mail/scope.h"
#include "queryd/call.h"
#include "queryd/query.h"

bool authz_may(const struct account *a, const char *permission);

/* All that the account may see. Caller frees. */
struct scope *authz_scope(const struct account *a) __attribute__((returns_nonnull));

/* Does the account's scope cover the mailbox, be it for a time? */
bool authz_covers_mailbox(const struct account *a, const char *mailbox);

/* Of what the account may see, what a hold is for: some mailboxes (NULL: any) and a time range; as scope_print(). NULL: nothing. Caller
 * frees. */
char *authz_hold_scope(const struct account *a, const struct strv *mailboxes, int64_t from_us, int64_t until_us);

/* Of that, what a search asks for: its mailbox, department and time range. A department that does not exist is an empty
 * one. 0 with *s_r, which the caller frees, or -1 temporary. */
int authz_search_scope(struct call *c, const struct search_request *r, struct scope **s_r, struct err *e) MUST_CHECK;

/* Does what the account may see cover all that this text (scope_print()) says? 1, 0; -1 permanent: it is no scope. */
int authz_covers(const struct account *a, const char *scope, struct err *e) MUST_CHECK;

/* What both the account may see and such a text says. 0 with *s_r, which the caller frees, or -1 permanent. */
int authz_met_scope(const struct account *a, const char *scope, struct scope **s_r, struct err *e) MUST_CHECK;

/* For the audit: the mailboxes of such a text, AUDIT_ALL_MAILBOXES for all; caller deinits. -1 permanent. */
int authz_scope_mailboxes(const char *scope, struct strv *mailboxes_r, struct err *e) MUST_CHECK;

#endif
