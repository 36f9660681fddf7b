/* jwk: the public keys of somebody else, by which the tokens of that party are known: a JSON Web Key Set (RFC 7517). Immutable,
 * any thread. */
#ifndef SYS_JWK_H
#define SYS_JWK_H

#include "base/err.h"

#include <openssl/evp.h>

#define JWK_KEYS_MAX 100
#define JWK_RSA_BITS_MIN 2048
#define JWK_RSA_BITS_MAX 8192 /* over it a signature takes too long to be looked at for whoever sends one */

enum jwk_kind {
	JWK_RSA,
	JWK_P256, /* an elliptic curve's: P-256 */
};

struct jwk {
	char *kid; /* NULL: it has no name */
	char *alg; /* the one algorithm that it is for; NULL: any of its kind */
	enum jwk_kind kind;
	EVP_PKEY *key;
};

struct jwk_set;

/* Keys of other kinds, for other uses than signatures, and weak ones are left out: the set may be empty. -1 permanent when it
 * is no key set, or one of more than JWK_KEYS_MAX keys. */
int jwk_set_parse(struct jwk_set **s_r, const char *text, size_t n, struct err *e) MUST_CHECK;

/* One more owner of it; returns s. Each owner frees. */
struct jwk_set *jwk_set_ref(struct jwk_set *s) __attribute__((returns_nonnull));
void jwk_set_freep(struct jwk_set **s);

size_t jwk_set_size(const struct jwk_set *s);

/* The key of this name, kind and algorithm. kid NULL: the only one that there is of the kind and algorithm. NULL when there is
 * none. A view. */
const struct jwk *jwk_find(const struct jwk_set *s, const char *kid, enum jwk_kind kind, const char *alg);

#endif
