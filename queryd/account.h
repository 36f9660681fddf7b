/* account: what the resources of people's accounts (users.h) and of programs' (service_accounts.h) have in common. */
#ifndef QUERYD_ACCOUNT_H
#define QUERYD_ACCOUNT_H

#include "meta/service.h"
#include "meta/user.h"
#include "queryd/call.h"
#include "queryd/grant.h"

/* The whole of it as JSON; NULL: it can't be read, the response is set. */
cJSON *account_present(struct call *c, const struct user *u, enum user_kind kind) MUST_CHECK;

/* Finds the account of the path, after the intent with this detail, which is freed. -1: the response is set: there is none,
 * or it is of the other kind. */
int account_begin(struct call *c, enum user_kind kind, cJSON *detail, struct user *u_r) MUST_CHECK;

/* -1, with a 412, when If-Match names another version. */
int account_check_version(struct call *c, const struct user *u) MUST_CHECK;

/* The response: the account as it is now, with its tag. */
void account_answer(struct call *c, enum user_kind kind, uint64_t id);

/* Is the name one, and free? -1: the response says why not. */
int account_check_name(struct call *c, const char *field, const char *name) MUST_CHECK;

/* Whole handlers. */
void account_list(struct call *c, enum user_kind kind);
void account_get(struct call *c, enum user_kind kind);
void account_set_disabled(struct call *c, enum user_kind kind, bool disabled);

/* Gives what `g` says, where it says something; and to a program the certificate, unless it is NULL. -1: the response is set. */
int account_give(struct call *c, const struct user *u, const struct grant *g, const uint8_t *certificate) MUST_CHECK;

#endif
