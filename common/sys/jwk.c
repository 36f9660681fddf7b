#include "sys/jwk.h"

#include "sys/base64url.h"
#include "sys/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdatomic.h>
#include <string.h>

#define COORDINATE_SIZE 32 /* of P-256 */
#define UNCOMPRESSED 0x04   /* what a point begins with that has both coordinates */
#define RSA_EXPONENT_MAX 4 /* bytes: 65537 has three; a longer one only costs */

struct jwk_set {
	atomic_uint owners;
	size_t n;
	struct jwk keys[JWK_KEYS_MAX];
};

/* ---- the material of a key ---- */

struct bytes {
	uint8_t *at;
	size_t n;
};

static void bytes_deinit(struct bytes *b)
{
	free(b->at);
}
#define _bytes_ CLEANUP(bytes_deinit)

/* A member of base64url. */
static int get_bytes(const cJSON *key, const char *name, struct bytes *b)
{
	const char *text;

	return json_get_str(key, name, &text) == 1 ? base64url_decode(&b->at, &b->n, text, strlen(text)) : -1;
}

static void build_freep(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void number_freep(BIGNUM **n)
{
	BN_free(*n);
}
#define _number_ CLEANUP(number_freep)

static OSSL_PARAM_BLD *build_new(void)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();

	if (!b)
		abort(); /* out of memory */
	return b;
}

/* NULL when OpenSSL finds that this is no key. */
static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!parameters || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(parameters);
	ERR_clear_error();
	return key;
}

static EVP_PKEY *make_rsa(const cJSON *j)
{
	_bytes_ struct bytes n = { 0 }, e = { 0 };
	CLEANUP(build_freep) OSSL_PARAM_BLD *build = build_new();

	if (get_bytes(j, "n", &n) < 0 || get_bytes(j, "e", &e) < 0 || n.n > JWK_RSA_BITS_MAX / 8 + 1 || e.n > RSA_EXPONENT_MAX)
		return NULL;
	_number_ BIGNUM *modulus = BN_bin2bn(n.at, (int)n.n, NULL), *exponent = BN_bin2bn(e.at, (int)e.n, NULL);

	if (!modulus || !exponent || BN_num_bits(modulus) < JWK_RSA_BITS_MIN || BN_num_bits(modulus) > JWK_RSA_BITS_MAX ||
		!BN_is_odd(modulus) || !BN_is_odd(exponent) || BN_is_one(exponent))
		return NULL;
	if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
		return NULL;
	return make_key("RSA", build);
}

static EVP_PKEY *make_p256(const cJSON *j)
{
	uint8_t point[1 + 2 * COORDINATE_SIZE] = { UNCOMPRESSED };
	_bytes_ struct bytes x = { 0 }, y = { 0 };
	CLEANUP(build_freep) OSSL_PARAM_BLD *build = build_new();
	const char *curve;

	if (json_get_str(j, "crv", &curve) != 1 || strcmp(curve, "P-256") != 0)
		return NULL;
	if (get_bytes(j, "x", &x) < 0 || get_bytes(j, "y", &y) < 0 || x.n != COORDINATE_SIZE || y.n != COORDINATE_SIZE)
		return NULL;
	memcpy(point + 1, x.at, COORDINATE_SIZE);
	memcpy(point + 1 + COORDINATE_SIZE, y.at, COORDINATE_SIZE);
	if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) != 1)
		return NULL;
	return make_key("EC", build);
}

/* ---- one key ---- */

static const struct {
	const char *kty;
	enum jwk_kind kind;
	EVP_PKEY *(*make)(const cJSON *j);
} kinds[] = {
	{ "RSA", JWK_RSA, make_rsa },
	{ "EC", JWK_P256, make_p256 },
};

static bool has_string(const cJSON *list, const char *text)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
		if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
			return true;
	return false;
}

/* Is it for looking at signatures? Both members may be absent. */
static bool is_for_signatures(const cJSON *j)
{
	const cJSON *operations = cJSON_GetObjectItemCaseSensitive(j, "key_ops");
	const char *use;
	int has_use = json_get_str(j, "use", &use);

	return has_use >= 0 && (has_use == 0 || strcmp(use, "sig") == 0) && (!operations || has_string(operations, "verify"));
}

static EVP_PKEY *make_of(const cJSON *j, enum jwk_kind *kind_r)
{
	const char *kty;

	if (json_get_str(j, "kty", &kty) != 1)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].kty, kty) == 0) {
			*kind_r = kinds[i].kind;
			return kinds[i].make(j);
		}
	return NULL;
}

/* Leaves it out unless it is of use. */
static void add_key(struct jwk_set *s, const cJSON *j)
{
	const char *kid = NULL, *alg = NULL;
	enum jwk_kind kind;

	if (!is_for_signatures(j) || json_get_str(j, "kid", &kid) < 0 || json_get_str(j, "alg", &alg) < 0)
		return;
	EVP_PKEY *key = make_of(j, &kind);

	if (key)
		s->keys[s->n++] = (struct jwk){ mem_strdup(kid), mem_strdup(alg), kind, key };
}

/* ---- the set ---- */

int jwk_set_parse(struct jwk_set **s_r, const char *text, size_t n, struct err *e)
{
	_json_ cJSON *j = json_parse(text, n, e);

	if (!j)
		return err_prefix(e, "jwk_set_parse failed");
	const cJSON *keys = cJSON_GetObjectItemCaseSensitive(j, "keys"), *key;

	if (!cJSON_IsArray(keys))
		return err_permanent(e, "jwk_set_parse failed: it has no list of keys");
	if (cJSON_GetArraySize(keys) > JWK_KEYS_MAX)
		return err_permanent(e, "jwk_set_parse failed: it has more than %d keys", JWK_KEYS_MAX);
	struct jwk_set *s = MEM_NEW(struct jwk_set);

	atomic_init(&s->owners, 1);
	cJSON_ArrayForEach(key, keys)
		add_key(s, key);
	*s_r = s;
	return 0;
}

struct jwk_set *jwk_set_ref(struct jwk_set *s)
{
	atomic_fetch_add(&s->owners, 1);
	return s;
}

void jwk_set_freep(struct jwk_set **s)
{
	if (*s && atomic_fetch_sub(&(*s)->owners, 1) == 1) {
		for (size_t i = 0; i < (*s)->n; i++) {
			free((*s)->keys[i].kid);
			free((*s)->keys[i].alg);
			EVP_PKEY_free((*s)->keys[i].key);
		}
		free(*s);
	}
	*s = NULL;
}

size_t jwk_set_size(const struct jwk_set *s)
{
	return s->n;
}

static bool fits(const struct jwk *k, enum jwk_kind kind, const char *alg)
{
	return k->kind == kind && (!k->alg || strcmp(k->alg, alg) == 0);
}

const struct jwk *jwk_find(const struct jwk_set *s, const char *kid, enum jwk_kind kind, const char *alg)
{
	const struct jwk *only = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct jwk *k = &s->keys[i];

		if (!fits(k, kind, alg))
			continue;
		if (kid && k->kid && strcmp(k->kid, kid) == 0)
			return k;
		if (!kid && only)
			return NULL; /* which of them is not said */
		only = k;
	}
	return kid ? NULL : only;
}
