/* keyring: the keys that sign access tokens: token-<kid>.pem in conf->key_dir (sys/secret.h). All verify, so that a key can be
 * replaced while tokens of the old one live. The newest by name signs, but one whose name tells when it was made not before
 * KEYRING_LEAD_US have passed: by then all machines have a copy that verifies. The keys never change. Any thread. */
#ifndef QUERYD_KEYRING_H
#define QUERYD_KEYRING_H

#include "base/err.h"

#include <stdint.h>

#define KEYRING_KID_MAX 64
#define KEYRING_LEAD_US INT64_C(300000000)
#define KEYRING_COORDINATE_SIZE 32

struct keyring_key {
	char *kid;
	char *private_pem;
	char *public_pem;
	uint8_t x[KEYRING_COORDINATE_SIZE], y[KEYRING_COORDINATE_SIZE]; /* of the public key */
};

struct keyring;
struct token_known;

/* -1 when there is no key, one is no EC P-256 key, or others than its owner may read it. */
int keyring_load(struct keyring **k_r, const char *key_dir, struct err *e) MUST_CHECK;

/* One more owner of it; returns k. Each owner frees, and with the last one the keys are wiped. */
struct keyring *keyring_ref(struct keyring *k) __attribute__((returns_nonnull));
void keyring_freep(struct keyring **k);

const struct keyring_key *keyring_signer(const struct keyring *k, int64_t now_us) __attribute__((returns_nonnull));
const struct keyring_key *keyring_find(const struct keyring *k, const char *kid); /* NULL when there is none */
const struct keyring_key *keyring_at(const struct keyring *k, size_t i);	     /* the oldest first; NULL behind the last */

/* Which tokens these keys have verified: it goes with them. */
struct token_known *keyring_known(const struct keyring *k) __attribute__((returns_nonnull));

#endif
