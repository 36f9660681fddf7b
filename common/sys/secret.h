/* secret: passwords, one-time-password secrets and the keys in conf->key_dir. libsodium and OpenSSL do the work.
 *
 * Files in the key directory (mode 0700, each file 0600), made by `strongroom init`:
 *	seal.key	32 random bytes: seals TOTP secrets in the database; from it come the keys of secret_mac()
 *	token-<kid>.pem	EC P-256 private key: signs access tokens (ES256); kid is a UUID that tells when it was made */
#ifndef SYS_SECRET_H
#define SYS_SECRET_H

#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>

#define SECRET_TOTP_SIZE 20 /* RFC 4226: at least 16, 20 recommended */

/* argon2id, 64 MiB, about 0.1 s: at most a few run at once (others wait). Caller frees; NULL with *e without memory. */
char *secret_password_hash(const char *password, struct err *e) MUST_CHECK;

/* hash NULL or "": takes as long and fails, for users that don't exist and those without a password. Constant time in what differs. */
bool secret_password_verify(const char *hash, const char *password);

struct secret_key; /* the sealing key; locked in memory */
int secret_key_load(struct secret_key **k_r, const char *key_dir, struct err *e) MUST_CHECK;
void secret_key_freep(struct secret_key **k);

/* Makes the files that are missing in key_dir (and the directory), durable. Existing ones are never touched. */
int secret_keys_create(const char *key_dir, struct err *e) MUST_CHECK;

/* The names of the files of token keys, the newest last; caller deinits. */
int secret_token_key_list(const char *key_dir, struct strv *names_r, struct err *e) MUST_CHECK;

/* Makes one more, and only then removes all but the newest two; the names of those. */
int secret_token_key_rotate(const char *key_dir, struct strv *names_r, struct err *e) MUST_CHECK;

/* Authenticated encryption with a fresh nonce in front; *sealed_r is the caller's to free. */
void secret_seal(const struct secret_key *k, const void *plain, size_t n, uint8_t **sealed_r, size_t *sealed_length_r);

/* Opens into plain_r (room for sealed_length bytes); -1 permanent when it was altered or sealed by another key. */
int secret_open(const struct secret_key *k, const void *sealed, size_t sealed_length, void *plain_r, size_t *n_r,
	struct err *e) MUST_CHECK;

#define SECRET_MAC_SIZE 32

/* HMAC-SHA256 under a key of its own for each label, made from k. Compare with what constant time takes. */
void secret_mac(uint8_t mac_r[SECRET_MAC_SIZE], const struct secret_key *k, const char *label, const void *data, size_t n);

/* Fills with random bytes from the kernel. */
void secret_random(void *out, size_t n);

#endif
