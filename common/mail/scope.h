/* scope: what one principal may see. The search and reading layers take nothing without one.
 *
 * A message is in a scope when it is in the time range and, unless the scope covers all mailboxes, one of the scope's
 * mailboxes took part in it: in the envelope, in From, Sender, To, Cc, Bcc or Resent-*, or in a journal report's
 * envelope (Reply-To does not count). The time is the message's date as meta keeps it. A scope with no mailboxes and
 * without `all` covers nothing. Immutable, any thread. Only mail/scope_grant.h can make one, and only queryd/authz.c,
 * cli/ and archive/holdings.c (which reads what queryd wrote) may include that (tests/tools/layers checks it). */
#ifndef MAIL_SCOPE_H
#define MAIL_SCOPE_H

#include "base/strv.h"
#include "mail/parsed.h"

struct scope;

bool scope_is_all(const struct scope *s);		    /* every mailbox (the time range still counts) */
const struct strv *scope_mailboxes(const struct scope *s); /* normalised addresses, sorted; empty with scope_is_all() */
int64_t scope_from_us(const struct scope *s);		    /* first instant, INT64_MIN when open */
int64_t scope_until_us(const struct scope *s);		    /* first instant after it, INT64_MAX when open */

/* Does a participant of this role bring a message into its mailbox's scope? */
bool scope_counts_role(enum participant_role role);

bool scope_covers(const struct scope *s, int64_t date_us, const struct participant *list, size_t n);

/* Does `outer` cover whatever `inner` covers, by what they say? */
bool scope_is_within(const struct scope *inner, const struct scope *outer);

/* As JSON, for a record of what somebody might see: {"all_mailboxes":true} or {"mailboxes":[…]}, with "from" (the first
 * instant) and "until" (the first after it) unless they are open. Caller frees. */
char *scope_print(const struct scope *s) __attribute__((returns_nonnull));

void scope_freep(struct scope **s);

#endif
