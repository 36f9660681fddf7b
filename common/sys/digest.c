#include "sys/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

/* libcrypto fails here only without memory or without its default provider: nothing could be archived, so end. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

static EVP_MD *algorithm; /* set once, kept to the end */

static void fetch_algorithm(void)
{
	algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(algorithm != NULL);
}

/* EVP_sha256() is looked for anew at each use, under locks of the whole process. */
static const EVP_MD *sha256(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_algorithm);
	return algorithm;
}

static EVP_MD_CTX *context(struct sha256 *h)
{
	return (EVP_MD_CTX *)h;
}

struct sha256 *sha256_new(void)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md != NULL && EVP_DigestInit_ex(md, sha256(), NULL));
	return (struct sha256 *)md;
}

void sha256_add(struct sha256 *h, const void *data, size_t n)
{
	must(EVP_DigestUpdate(context(h), data, n));
}

void sha256_finish(struct sha256 *h, uint8_t digest_r[SHA256_SIZE])
{
	must(EVP_DigestFinal_ex(context(h), digest_r, NULL));
}

void sha256_so_far(const struct sha256 *h, uint8_t digest_r[SHA256_SIZE])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md != NULL && EVP_MD_CTX_copy_ex(md, (const EVP_MD_CTX *)h) && EVP_DigestFinal_ex(md, digest_r, NULL));
	EVP_MD_CTX_free(md);
}

void sha256_freep(struct sha256 **h)
{
	EVP_MD_CTX_free(context(*h));
	*h = NULL;
}

void sha256_of(const void *data, size_t n, uint8_t digest_r[SHA256_SIZE])
{
	must(EVP_Digest(data, n, digest_r, NULL, sha256(), NULL));
}
