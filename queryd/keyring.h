/* keyring: the keys that sign access tokens: token-<kid>.pem in conf->key_dir (sys/secret.h). The newest by name signs,
 * all verify, so that a key can be replaced while tokens of the old one live. Immutable, any thread. */
#ifndef QUERYD_KEYRING_H
#define QUERYD_KEYRING_H

#include "base/err.h"

#define KEYRING_KID_MAX 64

struct keyring_key {
	char *kid;
	char *private_pem;
	char *public_pem;
};

struct keyring;

/* -1 when there is no key, one is no EC P-256 key, or others than its owner may read it. */
int keyring_load(struct keyring **k_r, const char *key_dir, struct err *e) MUST_CHECK;

/* Wipes the keys. */
void keyring_freep(struct keyring **k);

const struct keyring_key *keyring_signer(const struct keyring *k) __attribute__((returns_nonnull));
const struct keyring_key *keyring_find(const struct keyring *k, const char *kid); /* NULL when there is none */

#endif
