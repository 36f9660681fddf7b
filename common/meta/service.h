/* service: the accounts of programs. They sign in with a token, of which only the SHA-256 is kept, and the client certificate
 * that it is bound to. Roles, scope and state are those of an account (meta/account.h, meta/user.h). */
#ifndef META_SERVICE_H
#define META_SERVICE_H

#include "meta/account.h"
#include "sys/digest.h"

struct service_identity {
	uint8_t token[SHA256_SIZE];	  /* of the token's text */
	uint8_t certificate[SHA256_SIZE]; /* of the certificate (DER) */
	int64_t token_us;		  /* when the token was made */
};

/* As meta_account_add(), for a program. */
int meta_service_add(struct meta *m, const struct account_new *a, const struct service_identity *s, uint64_t *id_r,
	struct err *e) MUST_CHECK;

/* 1 without the token, 0: no account of a program, -1. */
int meta_service_get(struct meta *m, uint64_t account_id, struct service_identity *s_r, struct err *e) MUST_CHECK;

/* Whose is the token? 1 with the account (caller deinits) and the certificate that must come with it, 0, -1. */
int meta_service_by_token(struct meta *m, const uint8_t token[SHA256_SIZE], struct account *a_r,
	uint8_t certificate_r[SHA256_SIZE], struct err *e) MUST_CHECK;

/* Another token: the one before is dead at once, and so is what it was given. 1; 0: the account has another version than this;
 * -1. */
int meta_service_set_token(struct meta *m, uint64_t account_id, uint64_t version, const uint8_t token[SHA256_SIZE], int64_t now_us,
	struct err *e) MUST_CHECK;

#endif
