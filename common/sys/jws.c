#include "sys/jws.h"

#include "base/str.h"
#include "sys/base64url.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#define P256_HALF 32 /* bytes of each of the two numbers of a signature */

static const struct algorithm {
	const char *name;
	enum jwk_kind kind;
	int padding; /* of RSA */
} algorithms[] = {
	{ "RS256", JWK_RSA, RSA_PKCS1_PADDING },
	{ "PS256", JWK_RSA, RSA_PKCS1_PSS_PADDING },
	{ "ES256", JWK_P256, 0 },
};

/* The three parts: views of the token. */
struct parts {
	const char *header, *claims, *signature;
	size_t header_n, claims_n, signature_n;
};

static int bad(struct err *e, const char *why)
{
	return err_permanent(e, "jws_verify failed: %s", why);
}

static int split(struct parts *p, const char *token, struct err *e)
{
	if (strnlen(token, JWS_MAX + 1) > JWS_MAX)
		return bad(e, "too long");
	const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;

	if (!second || strchr(second + 1, '.'))
		return bad(e, "not three parts");
	*p = (struct parts){ token, first + 1, second + 1, (size_t)(first - token), (size_t)(second - first - 1),
		strlen(second + 1) };
	return p->header_n && p->claims_n && p->signature_n ? 0 : bad(e, "a part is empty");
}

/* Caller frees; NULL with *e. */
static cJSON *read_object(const char *part, size_t n, struct err *e)
{
	_free_ uint8_t *text = NULL;
	size_t length;

	if (base64url_decode(&text, &length, part, n) < 0) {
		bad(e, "not base64url");
		return NULL;
	}
	_json_ cJSON *j = json_parse((const char *)text, length, e);

	if (j && !cJSON_IsObject(j))
		bad(e, "not an object");
	if (!j || !cJSON_IsObject(j))
		return NULL;
	cJSON *object = j;

	j = NULL;
	return object;
}

/* ---- the header ---- */

static const struct algorithm *find_algorithm(const cJSON *header)
{
	const char *name;

	if (json_get_str(header, "alg", &name) == 1)
		for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
			if (strcmp(algorithms[i].name, name) == 0)
				return &algorithms[i];
	return NULL;
}

/* "crit" names what must be understood; nothing is. Keys that come along in the header are not even looked at. */
static int read_header(const struct parts *p, const struct algorithm **a_r, char **kid_r, struct err *e)
{
	_json_ cJSON *header = read_object(p->header, p->header_n, e);
	const char *kid = NULL, *type = "JWT";

	if (!header)
		return -1;
	*a_r = find_algorithm(header);
	if (!*a_r)
		return bad(e, "the algorithm is none of RS256, PS256 and ES256");
	if (cJSON_GetObjectItemCaseSensitive(header, "crit"))
		return bad(e, "it has critical members");
	if (json_get_str(header, "typ", &type) < 0 || !str_ieq(type, "JWT"))
		return bad(e, "it is of another type");
	if (json_get_str(header, "kid", &kid) < 0)
		return bad(e, "the name of its key is no text");
	*kid_r = mem_strdup(kid);
	return 0;
}

/* ---- the signature ---- */

/* RFC 7518, 3.4: two numbers one behind the other, of which OpenSSL wants DER. Caller frees with OPENSSL_free(); NULL. */
static unsigned char *to_der(const uint8_t *signature, size_t n, size_t *n_r)
{
	unsigned char *der = NULL;

	if (n != 2 * P256_HALF)
		return NULL;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, P256_HALF, NULL), *s = BN_bin2bn(signature + P256_HALF, P256_HALF, NULL);

	if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1)
		abort(); /* out of memory */
	int length = i2d_ECDSA_SIG(pair, &der);

	ECDSA_SIG_free(pair);
	*n_r = length > 0 ? (size_t)length : 0;
	return length > 0 ? der : NULL;
}

static bool check_with(EVP_MD_CTX *ctx, const struct algorithm *a, const struct jwk *k, const uint8_t *signature, size_t n,
	const char *text, size_t length)
{
	EVP_PKEY_CTX *key_ctx; /* ctx's own */

	if (EVP_DigestVerifyInit(ctx, &key_ctx, EVP_sha256(), NULL, k->key) != 1)
		return false;
	if (k->kind == JWK_RSA && EVP_PKEY_CTX_set_rsa_padding(key_ctx, a->padding) != 1)
		return false;
	if (a->padding == RSA_PKCS1_PSS_PADDING && EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, RSA_PSS_SALTLEN_DIGEST) != 1)
		return false;
	return EVP_DigestVerify(ctx, signature, n, (const unsigned char *)text, length) == 1;
}

static bool is_signed(const struct algorithm *a, const struct jwk *k, const struct parts *p)
{
	_free_ uint8_t *signature = NULL;
	unsigned char *der = NULL;
	size_t n, der_n = 0;

	if (base64url_decode(&signature, &n, p->signature, p->signature_n) < 0)
		return false;
	if (k->kind == JWK_P256 && !(der = to_der(signature, n, &der_n)))
		return false;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && check_with(ctx, a, k, der ? der : signature, der ? der_n : n, p->header, p->header_n + 1 + p->claims_n);

	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	ERR_clear_error();
	return good;
}

int jws_verify(cJSON **claims_r, const struct jwk_set *keys, const char *token, struct err *e)
{
	const struct algorithm *a = NULL;
	_free_ char *kid = NULL;
	struct parts p = { 0 };

	if (split(&p, token, e) < 0 || read_header(&p, &a, &kid, e) < 0)
		return -1;
	const struct jwk *k = jwk_find(keys, kid, a->kind, a->name);

	if (!k) {
		err_permanent(e, "jws_verify failed: there is no key \"%.80s\" for %s", kid ? kid : "", a->name);
		return 0;
	}
	if (!is_signed(a, k, &p))
		return bad(e, "the signature is wrong");
	*claims_r = read_object(p.claims, p.claims_n, e);
	return *claims_r ? 1 : -1;
}
