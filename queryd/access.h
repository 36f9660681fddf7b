/* access: what the resources of who may do what have in common: users, service-accounts, roles, departments, mailboxes. */
#ifndef QUERYD_ACCESS_H
#define QUERYD_ACCESS_H

#include "meta/user.h"
#include "queryd/call.h"
#include "sys/json.h"

/* The database did not do as it was asked: the response is a 503. Returns -1. */
int access_failed(struct call *c, const struct err *e);

/* Writes the intent with this detail, which it frees. As audit_intent_signed_in(). */
int access_intent(struct call *c, cJSON *detail) MUST_CHECK;

/* The response: there is nothing of this name, or id. Returns -1. */
int access_not_found(struct call *c);

/* The response to what meta did: rc 1: nothing is set; 0: somebody else was first, a 409; -1: a 503, or of a permanent
 * error a 409 that says to look again. 0, or -1 when the response is set. */
int access_changed(struct call *c, int rc, const struct err *e) MUST_CHECK;

/* The id in the path; 0 when it is none. */
uint64_t access_id(const struct call *c);

/* Ends the account's tokens on replicas that read from a database that is behind; the database has it already. */
void access_tell_cache(struct call *c, uint64_t account_id);

#endif
