/* pending: a sign-in that has passed its first step, a password or an OpenID provider, and waits for the one-time code.
 *
 * Nothing is kept of it: it is all in the token that the client got, under a MAC of the installation's key, so that the second step
 * may reach another replica, or the same one after a restart. A token by itself is worth nothing: how many codes are tried, and
 * that each is good once, is counted for the account (meta/account.h). */
#ifndef QUERYD_PENDING_H
#define QUERYD_PENDING_H

#include "sys/secret.h"

#include <stdint.h>

#define PENDING_LIFE_S 300

struct pending {
	uint64_t account_id;
	uint64_t generation; /* of the account's tokens: what ends those ends this */
	const char *proved;  /* by what, a literal: "password", "oidc" */
};

/* The token of it. Caller frees. */
char *pending_format(const struct pending *p, const struct secret_key *k, int64_t now_s) __attribute__((returns_nonnull));

/* -1: it is none of ours, or too old. */
int pending_parse(struct pending *p_r, const struct secret_key *k, const char *token, int64_t now_s) MUST_CHECK;

#endif
