/* recovery: codes for who has lost the second factor: FACTOR_RECOVERY_CODES of 80 random bits, each good once. They are shown when
 * they are made, and kept as SHA-256.
 *
 * POST auth/recovery: {"mfa_token","code"} → the tokens of a session, as auth/totp.
 * POST auth/recovery-codes: others in the place of all of before → {"recovery_codes":[…]}. */
#ifndef QUERYD_RECOVERY_H
#define QUERYD_RECOVERY_H

#include "meta/factor.h"
#include "queryd/route.h"

#define RECOVERY_CODE_SIZE 20 /* "ABCD-EFGH-IJKL-MNOP" */

extern const struct route recovery_routes[];

struct recovery_codes {
	char texts[FACTOR_RECOVERY_CODES][RECOVERY_CODE_SIZE];
	uint8_t hashes[FACTOR_RECOVERY_CODES][SHA256_SIZE];
};

void recovery_codes_make(struct recovery_codes *codes_r);
void recovery_codes_wipe(struct recovery_codes *codes);

/* Adds "recovery_codes". */
void recovery_codes_present(cJSON *object, const struct recovery_codes *codes);

/* What meta keeps of a code as it was typed: case, hyphens and blanks do not matter. -1: it is none. */
int recovery_code_hash(const char *typed, uint8_t hash_r[SHA256_SIZE]) MUST_CHECK;

#endif
