/* oidc_account: which account somebody has here whom the OpenID provider has signed in, and what becomes of it by that.
 *
 * Once linked, an account is known by issuer and subject alone. Before that it is the one whose name is what conf->oidc_account_claim
 * says, if an administrator has left it to the provider (it has no password) and it is linked to nobody; or one is made, where
 * conf->oidc_provision is set and the groups give a role. With conf->oidc_roles the account has just the roles of the groups. */
#ifndef QUERYD_OIDC_ACCOUNT_H
#define QUERYD_OIDC_ACCOUNT_H

#include "meta/identity.h"
#include "queryd/call.h"
#include "queryd/id_token.h"

enum oidc_account_state {
	OIDC_NOBODY, /* no account, and none is to be made; or it is disabled */
	OIDC_LINKED,
	OIDC_NAMED, /* to be linked */
	OIDC_NEW,   /* to be made */
};

struct oidc_account {
	enum oidc_account_state state;
	char *name; /* of the account, or what the provider calls it; NULL when that is not told */
	uint64_t id; /* of a LINKED or NAMED one */
	struct identity identity;
	bool sets_roles;
	struct strv roles, roles_before; /* with sets_roles; by name */
};

void oidc_account_deinit(struct oidc_account *a);

/* Changes nothing; c->account is the account then, if there is one. 0, -1. */
int oidc_account_find(struct call *c, const struct id_token *t, struct oidc_account *a_r, struct err *e) MUST_CHECK;

/* For the audit's intent. Caller frees. */
cJSON *oidc_account_describe(const struct oidc_account *a) __attribute__((returns_nonnull));

/* Links or makes the account and sets its roles; c->account is the account as it is then. 1; 0: nobody may sign in by it, the log
 * says why; -1. */
int oidc_account_settle(struct call *c, struct oidc_account *a, struct err *e) MUST_CHECK;

#endif
