/* scope_grant: making scopes. For the authorisation layer only: see mail/scope.h. */
#ifndef MAIL_SCOPE_GRANT_H
#define MAIL_SCOPE_GRANT_H

#include "base/err.h"
#include "mail/scope.h"

/* mailboxes (any spelling; normalised and sorted here) may be NULL; with all set they don't matter. Caller frees. */
struct scope *scope_grant(bool all, const struct strv *mailboxes, int64_t from_us, int64_t until_us);

/* The scope of what both cover: narrowing a request below what its maker may see. Caller frees. */
struct scope *scope_narrow(const struct scope *s, const struct strv *mailboxes, int64_t from_us, int64_t until_us);

/* The scope of what both cover. Caller frees. */
struct scope *scope_meet(const struct scope *a, const struct scope *b);

/* Reads what scope_print() wrote. Caller frees. NULL permanent. */
struct scope *scope_parse(const char *text, struct err *e) MUST_CHECK;

#endif
