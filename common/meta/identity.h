/* identity: who somebody is at an OpenID provider. An account without a password (an empty hash) belongs to somebody who signs in
 * there; it is linked to one identity, an issuer and what that calls the person for good. */
#ifndef META_IDENTITY_H
#define META_IDENTITY_H

#include "meta/account.h"

struct identity {
	char *issuer, *subject; /* 255 bytes at most */
	int64_t linked_us;
};

void identity_deinit(struct identity *i);

/* Whose is it? 1 with the account's id, 0: nobody's, -1. */
int meta_identity_account(struct meta *m, const struct identity *i, uint64_t *account_id_r, struct err *e) MUST_CHECK;

/* The identity of an account: 1 (caller deinits), 0: it has none, -1. */
int meta_identity_get(struct meta *m, uint64_t account_id, struct identity *i_r, struct err *e) MUST_CHECK;

/* Links an account that has neither a password nor another identity. 1, also when it is linked so already; 0: it may not be
 * linked, or the identity is another account's; -1. */
int meta_identity_link(struct meta *m, uint64_t account_id, const struct identity *i, struct err *e) MUST_CHECK;

/* As meta_account_add(), and links it: all or nothing. */
int meta_identity_add(struct meta *m, const struct account_new *a, const struct identity *i, uint64_t *id_r, struct err *e)
	MUST_CHECK;

/* Takes an account's password and its identity away, and ends its sessions: the next sign-in at the provider links it anew.
 * meta_factor_password() is the way back. */
int meta_identity_expect(struct meta *m, uint64_t account_id, struct err *e) MUST_CHECK;

#endif
