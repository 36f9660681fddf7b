/* factor: what an account is proved by: changing it ends sign-ins that have come half way and all sessions but one, that of
 * who changes it. */
#ifndef META_FACTOR_H
#define META_FACTOR_H

#include "meta/session.h"

/* Another password, of which this is the hash, also where the user has signed in through an OpenID provider: that is over then.
 * keep: the session that goes on; NULL: none does. */
int meta_factor_password(struct meta *m, uint64_t account_id, const struct uuid *keep, const char *hash, struct err *e)
	MUST_CHECK;

/* ---- one-time codes ---- */

#define FACTOR_RECOVERY_CODES 10

#define FACTOR_TOKEN_SIZE 65 /* 32 random bytes in hexadecimal and a NUL */
#define FACTOR_TOKEN_LIFE_S (3 * 86400)

/* Takes the second factor away: all sessions end, recovery codes are void, and whoever has the token, which is made, may enrol
 * for FACTOR_TOKEN_LIFE_S. Nothing else keeps the token. */
int meta_factor_reset(struct meta *m, uint64_t account_id, int64_t now_us, char token_r[FACTOR_TOKEN_SIZE], struct err *e)
	MUST_CHECK;

/* Begins to enrol with a sealed secret that can be confirmed until then, in the place of what was begun before. By who is signed in,
 * or with the token of meta_factor_reset(), which can begin again in its time: then 0 when it is another one, or its time is
 * over. 1, -1. */
int meta_enrolment_begin(struct meta *m, uint64_t account_id, const void *sealed, size_t n, int64_t until_us, struct err *e)
	MUST_CHECK;
int meta_enrolment_begin_by_token(struct meta *m, uint64_t account_id, const char *token, const void *sealed, size_t n,
	int64_t now_us, int64_t until_us, struct err *e) MUST_CHECK;

/* The sealed secret that is to be confirmed: 1 (caller frees), 0 when there is none or its time is over, -1. */
int meta_enrolment_secret(struct meta *m, uint64_t account_id, int64_t now_us, uint8_t **sealed_r, size_t *n_r, struct err *e)
	MUST_CHECK;

struct enrolment {
	uint64_t account_id;
	const void *sealed; /* what meta_enrolment_secret() gave */
	size_t sealed_length;
	uint64_t step;	    /* of the code that has confirmed it: used up */
	const uint8_t (*codes)[SHA256_SIZE]; /* FACTOR_RECOVERY_CODES hashes, in the place of those of before */
	const struct uuid *keep; /* as in meta_factor_password() */
};

/* It is the account's second factor from now on: 1, 0 when somebody else was first, -1. */
int meta_enrolment_finish(struct meta *m, const struct enrolment *x, struct err *e) MUST_CHECK;

/* ---- recovery codes ---- */

/* FACTOR_RECOVERY_CODES others in the place of those of before, used or not. */
int meta_recovery_replace(struct meta *m, uint64_t account_id, const uint8_t (*codes)[SHA256_SIZE], struct err *e) MUST_CHECK;

/* Uses one up, and gives all tries of codes back: 1, 0 when there is none of this hash that is good, -1. Of two at once one
 * gets it. */
int meta_recovery_use(struct meta *m, uint64_t account_id, const uint8_t hash[SHA256_SIZE], int64_t now_us, struct err *e)
	MUST_CHECK;

#endif
