#include "queryd/keyring.h"

#include "base/strv.h"
#include "base/uuid.h"
#include "queryd/token_known.h"
#include "sys/io.h"
#include "sys/secret.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_MAX 4096

struct keyring {
	struct keyring_key *keys; /* by name, the newest last */
	size_t n;
	struct token_known *known;
	atomic_uint owners;
};

static void wipe(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

static void key_deinit(struct keyring_key *key)
{
	free(key->kid);
	wipe(key->private_pem);
	free(key->public_pem);
}

void keyring_freep(struct keyring **k)
{
	struct keyring *gone = *k;

	*k = NULL;
	if (!gone || atomic_fetch_sub(&gone->owners, 1) > 1)
		return;
	for (size_t i = 0; i < gone->n; i++)
		key_deinit(&gone->keys[i]);
	free(gone->keys);
	token_known_freep(&gone->known);
	free(gone);
}

struct keyring *keyring_ref(struct keyring *k)
{
	atomic_fetch_add(&k->owners, 1);
	return k;
}

static bool may_sign(const struct keyring_key *key, int64_t now_us)
{
	struct uuid made;

	return uuid_parse(&made, key->kid) < 0 || uuid_time_us(&made) <= now_us - KEYRING_LEAD_US;
}

const struct keyring_key *keyring_signer(const struct keyring *k, int64_t now_us)
{
	size_t i = k->n - 1;

	while (i && !may_sign(&k->keys[i], now_us))
		i--;
	return &k->keys[i];
}

const struct keyring_key *keyring_at(const struct keyring *k, size_t i)
{
	return i < k->n ? &k->keys[i] : NULL;
}

struct token_known *keyring_known(const struct keyring *k)
{
	return k->known;
}

const struct keyring_key *keyring_find(const struct keyring *k, const char *kid)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->keys[i].kid, kid) == 0)
			return &k->keys[i];
	return NULL;
}

/* ---- loading ---- */

static void pkey_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static int read_private(char **pem_r, const char *path, struct err *e)
{
	char pem[PEM_MAX + 1];
	struct stat st;
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_errno(e, "open", path);
	if (fstat(fd, &st) < 0)
		return err_errno(e, "fstat", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_permanent(e, "open(%s) failed: others than its owner may use it: chmod 600 it", path);
	if (st.st_size <= 0 || st.st_size > PEM_MAX || io_read_exact(fd, pem, (size_t)st.st_size) != 1)
		return err_permanent(e, "read(%s) failed: no PEM file of at most %d bytes", path, PEM_MAX);
	*pem_r = mem_dup(pem, (size_t)st.st_size);
	OPENSSL_cleanse(pem, sizeof(pem));
	return 0;
}

static bool is_p256(const EVP_PKEY *key)
{
	char group[32];
	size_t n;

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
		strcmp(group, SN_X9_62_prime256v1) == 0;
}

/* A key file must never ask for a pass phrase on a terminal. */
static int no_phrase(char *phrase, int size, int writing, void *ctx)
{
	(void)phrase, (void)size, (void)writing, (void)ctx;
	return -1;
}

/* The point as OpenSSL writes it: 4, then both coordinates. */
static bool take_point(struct keyring_key *key, const EVP_PKEY *pkey)
{
	uint8_t point[1 + 2 * KEYRING_COORDINATE_SIZE];
	size_t n;

	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 || n != sizeof(point) ||
		point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return false;
	memcpy(key->x, point + 1, KEYRING_COORDINATE_SIZE);
	memcpy(key->y, point + 1 + KEYRING_COORDINATE_SIZE, KEYRING_COORDINATE_SIZE);
	return true;
}

static int derive_public(struct keyring_key *key, const char *path, struct err *e)
{
	CLEANUP(bio_freep) BIO *in = BIO_new_mem_buf(key->private_pem, -1);
	CLEANUP(bio_freep) BIO *out = BIO_new(BIO_s_mem());
	CLEANUP(pkey_freep) EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, no_phrase, NULL);
	char *text;

	if (!pkey || !is_p256(pkey) || !take_point(key, pkey) || PEM_write_bio_PUBKEY(out, pkey) != 1)
		return err_permanent(e, "read(%s) failed: no EC P-256 private key in PEM", path);
	long n = BIO_get_mem_data(out, &text);

	key->public_pem = mem_dup(text, (size_t)n);
	return 0;
}

/* kid: what stands between "token-" and ".pem". */
static int load_key(struct keyring *k, const char *key_dir, const char *name, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s", key_dir, name);
	size_t n = strlen(name) - strlen("token-") - strlen(".pem");

	if (n > KEYRING_KID_MAX)
		return err_permanent(e, "read(%s) failed: its name is too long", path);
	k->keys = mem_realloc(k->keys, k->n + 1, sizeof(*k->keys));
	struct keyring_key *key = &k->keys[k->n++];

	*key = (struct keyring_key){ .kid = mem_dup(name + strlen("token-"), n) };
	if (read_private(&key->private_pem, path, e) < 0)
		return -1;
	return derive_public(key, path, e);
}

int keyring_load(struct keyring **k_r, const char *key_dir, struct err *e)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = MEM_NEW(struct keyring);

	atomic_init(&k->owners, 1);
	k->known = token_known_new();
	if (secret_token_key_list(key_dir, &names, e) < 0)
		return -1;
	if (!names.n)
		return err_permanent(e, "keyring_load(%s) failed: no token-*.pem there: run strongroom init", key_dir);
	for (size_t i = 0; i < names.n; i++)
		if (load_key(k, key_dir, names.items[i], e) < 0)
			return -1;
	*k_r = k;
	k = NULL;
	return 0;
}
