/* audit: the two records around everything that shows something: an intent, durable before the effect, and an outcome,
 * durable before the last byte leaves. */
#ifndef QUERYD_AUDIT_H
#define QUERYD_AUDIT_H

#include "queryd/call.h"

/* Writes the intent of the call's route. actor: who claims to act, NULL: the signed-in account. strength: by what they
 * have proved it so far. detail: JSON or NULL. Reason and case are those of the request's head. -1: it can't be written; the response is a 503 already and nothing may
 * be shown. */
int audit_intent(struct call *c, const char *actor, const char *strength, const char *detail) MUST_CHECK;

/* The same for somebody who is signed in. */
int audit_intent_signed_in(struct call *c, const char *detail) MUST_CHECK;

/* The same for what shows mail: `mailboxes` are those whose mail it may show. */
int audit_intent_looking(struct call *c, const char *detail, const struct strv *mailboxes) MUST_CHECK;

/* Writes the outcome by the status, count and digest of the response. -1: it can't be written: what is not yet handed
 * over must not be. Does nothing when no intent is open. */
int audit_outcome(struct call *c) MUST_CHECK;

/* The outcome of a response that was cut off after `given` bytes. */
void audit_cut_off(struct call *c, uint64_t given);

#endif
