#include "sys/secret.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/uuid.h"
#include "sys/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEAL_FILE "seal.key"
#define HASH_OPERATIONS 2u
#define HASH_MEMORY (64u * 1024 * 1024)
#define TOKEN_KEYS 2 /* that live at a time */
#define HASHES_AT_ONCE 4 /* 256 MiB: a burst of sign-ins must not take the machine's memory */

struct secret_key {
	uint8_t bytes[crypto_secretbox_KEYBYTES];
};

static void start_sodium(void)
{
	if (sodium_init() < 0)
		log_fatal(NULL, "sodium_init failed");
}

static void need_sodium(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_sodium);
}

void secret_random(void *out, size_t n)
{
	uint8_t *at = out;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno != EINTR)
			log_fatal(NULL, "getrandom failed: errno %d", errno);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

/* ---- passwords ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t left;
	unsigned under_way;
} hashing = { .lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER };

static void hashing_enter(void)
{
	need_sodium();
	pthread_mutex_lock(&hashing.lock);
	while (hashing.under_way >= HASHES_AT_ONCE)
		pthread_cond_wait(&hashing.left, &hashing.lock);
	hashing.under_way++;
	pthread_mutex_unlock(&hashing.lock);
}

static void hashing_leave(void)
{
	pthread_mutex_lock(&hashing.lock);
	hashing.under_way--;
	pthread_cond_signal(&hashing.left);
	pthread_mutex_unlock(&hashing.lock);
}

char *secret_password_hash(const char *password, struct err *e)
{
	char *hash = mem_alloc(crypto_pwhash_STRBYTES, 1);

	hashing_enter();
	int rc = crypto_pwhash_str_alg(hash, password, strlen(password), HASH_OPERATIONS, HASH_MEMORY,
		crypto_pwhash_ALG_ARGON2ID13);
	hashing_leave();
	if (rc < 0) {
		err_temporary(e, "crypto_pwhash_str(argon2id, 64 MiB) failed: out of memory");
		free(hash);
		return NULL;
	}
	return hash;
}

/* The work of a verification, for a user that does not exist. */
static void hash_in_vain(const char *password)
{
	static const uint8_t salt[crypto_pwhash_SALTBYTES] = { 0 };
	uint8_t digest[32];

	if (crypto_pwhash(digest, sizeof(digest), password, strlen(password), salt, HASH_OPERATIONS, HASH_MEMORY,
		    crypto_pwhash_ALG_ARGON2ID13) < 0)
		log_warn(NULL, "crypto_pwhash(argon2id, 64 MiB) failed: out of memory");
	sodium_memzero(digest, sizeof(digest));
}

bool secret_password_verify(const char *hash, const char *password)
{
	bool match = false;

	hashing_enter();
	if (hash && *hash)
		match = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
	else
		hash_in_vain(password);
	hashing_leave();
	return match;
}

/* ---- sealing ---- */

static int check_private(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "fstat", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_permanent(e, "open(%s) failed: others than its owner may use it: chmod 600 it", path);
	return 0;
}

static int read_key(struct secret_key *k, const char *path, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t surplus;

	if (fd < 0)
		return err_errno(e, "open", path);
	if (check_private(fd, path, e) < 0)
		return -1;
	if (io_read_exact(fd, k->bytes, sizeof(k->bytes)) != 1 || io_read_exact(fd, &surplus, 1) != 0)
		return err_permanent(e, "read(%s) failed: not a file of %zu bytes", path, sizeof(k->bytes));
	return 0;
}

int secret_key_load(struct secret_key **k_r, const char *key_dir, struct err *e)
{
	_free_ char *path = mem_printf("%s/" SEAL_FILE, key_dir);

	need_sodium();
	struct secret_key *k = sodium_malloc(sizeof(*k));

	if (!k)
		return err_errno(e, "sodium_malloc", "sealing key");
	if (read_key(k, path, e) < 0) {
		sodium_free(k);
		return -1;
	}
	sodium_mprotect_readonly(k);
	*k_r = k;
	return 0;
}

void secret_key_freep(struct secret_key **k)
{
	sodium_free(*k);
	*k = NULL;
}

void secret_seal(const struct secret_key *k, const void *plain, size_t n, uint8_t **sealed_r, size_t *sealed_length_r)
{
	size_t length = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + n;
	uint8_t *sealed = mem_alloc(length, 1);

	need_sodium();
	secret_random(sealed, crypto_secretbox_NONCEBYTES);
	if (crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, plain, n, sealed, k->bytes) < 0)
		log_fatal(NULL, "crypto_secretbox_easy failed");
	*sealed_r = sealed;
	*sealed_length_r = length;
}

int secret_open(const struct secret_key *k, const void *sealed, size_t sealed_length, void *plain_r, size_t *n_r,
	struct err *e)
{
	const uint8_t *nonce = sealed;

	need_sodium();
	if (sealed_length < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES ||
		crypto_secretbox_open_easy(plain_r, nonce + crypto_secretbox_NONCEBYTES,
			sealed_length - crypto_secretbox_NONCEBYTES, nonce, k->bytes) < 0)
		return err_permanent(e, "crypto_secretbox_open failed: altered, or sealed by another key");
	*n_r = sealed_length - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES;
	return 0;
}

void secret_mac(uint8_t mac_r[SECRET_MAC_SIZE], const struct secret_key *k, const char *label, const void *data, size_t n)
{
	_Static_assert(SECRET_MAC_SIZE == crypto_auth_hmacsha256_BYTES, "the whole of it");
	_Static_assert(sizeof(k->bytes) == crypto_auth_hmacsha256_KEYBYTES, "a key of either");
	uint8_t key[crypto_auth_hmacsha256_BYTES];

	need_sodium();
	crypto_auth_hmacsha256(key, (const unsigned char *)label, strlen(label), k->bytes);
	crypto_auth_hmacsha256(mac_r, data, n, key);
	sodium_memzero(key, sizeof(key));
}

/* ---- making the files ---- */

/* A file that appears whole or not at all; one that is there already wins. */
static int create_file(int dirfd, const char *name, const void *data, size_t n, struct err *e)
{
	_free_ char *temp = mem_printf(".%s.%ld", name, (long)getpid());
	_close_ int fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(e, "open", temp);
	if (io_write_all(fd, data, n) < 0) {
		err_errno(e, "write", temp);
		unlinkat(dirfd, temp, 0);
		return -1;
	}
	io_fsync_or_die(fd, temp);
	int rc = linkat(dirfd, temp, dirfd, name, 0);

	if (rc < 0 && errno == EEXIST)
		rc = 0;
	if (rc < 0)
		err_errno(e, "link", name);
	unlinkat(dirfd, temp, 0);
	return rc;
}

static int create_seal_key(int dirfd, struct err *e)
{
	uint8_t key[crypto_secretbox_KEYBYTES];

	if (faccessat(dirfd, SEAL_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	secret_random(key, sizeof(key));
	int rc = create_file(dirfd, SEAL_FILE, key, sizeof(key), e);

	sodium_memzero(key, sizeof(key));
	return rc;
}

static bool is_token_key(const char *name)
{
	size_t n = strlen(name);

	return n > 10 && strncmp(name, "token-", 6) == 0 && strcmp(name + n - 4, ".pem") == 0;
}

int secret_token_key_list(const char *key_dir, struct strv *names_r, struct err *e)
{
	DIR *d = opendir(key_dir);

	if (!d)
		return err_errno(e, "opendir", key_dir);
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
		if (is_token_key(entry->d_name))
			strv_add(names_r, entry->d_name);
	closedir(d);
	strv_sort(names_r);
	return 0;
}

static int create_token_key(int dirfd, struct err *e)
{
	char id[UUID_TEXT_SIZE];
	struct uuid kid = uuid_new(clock_now_us()); /* names rise with time */
	_free_ char *name = mem_printf("token-%s.pem", uuid_format(id, &kid));
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *pem = BIO_new(BIO_s_secmem());
	char *text = NULL;
	int rc;

	if (!key || !pem || PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1) {
		rc = err_temporary(e, "EVP_EC_gen(P-256) failed");
	} else {
		long n = BIO_get_mem_data(pem, &text);

		rc = create_file(dirfd, name, text, (size_t)n, e);
	}
	BIO_free(pem);
	EVP_PKEY_free(key);
	return rc;
}

static int create_dir(const char *key_dir, struct err *e)
{
	if (mkdir(key_dir, 0700) < 0)
		return errno == EEXIST ? 0 : err_errno(e, "mkdir", key_dir);
	_free_ char *parent = mem_printf("%s/..", key_dir);
	_close_ int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "open", parent);
	io_fsync_dir_or_die(fd, parent);
	return 0;
}

int secret_keys_create(const char *key_dir, struct err *e)
{
	if (create_dir(key_dir, e) < 0)
		return -1;
	_close_ int dirfd = open(key_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dirfd < 0)
		return err_errno(e, "open", key_dir);
	if (create_seal_key(dirfd, e) < 0)
		return -1;
	CLEANUP(strv_deinit) struct strv names = { 0 };

	if (secret_token_key_list(key_dir, &names, e) < 0 || (!names.n && create_token_key(dirfd, e) < 0))
		return -1;
	io_fsync_dir_or_die(dirfd, key_dir);
	return 0;
}

static int remove_older(int dirfd, const char *key_dir, struct err *e)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };

	if (secret_token_key_list(key_dir, &names, e) < 0)
		return -1;
	for (size_t i = 0; i + TOKEN_KEYS < names.n; i++)
		if (unlinkat(dirfd, names.items[i], 0) < 0 && errno != ENOENT)
			return err_errno(e, "unlink", names.items[i]);
	io_fsync_dir_or_die(dirfd, key_dir);
	return 0;
}

int secret_token_key_rotate(const char *key_dir, struct strv *names_r, struct err *e)
{
	_close_ int dirfd = open(key_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dirfd < 0)
		return err_errno(e, "open", key_dir);
	if (create_token_key(dirfd, e) < 0)
		return -1;
	io_fsync_dir_or_die(dirfd, key_dir); /* before an older one goes */
	return remove_older(dirfd, key_dir, e) < 0 ? -1 : secret_token_key_list(key_dir, names_r, e);
}
