#include "queryd/pending.h"

#include "base/pack.h"
#include "sys/base64url.h"

#include <sodium.h>
#include <string.h>

#define BODY_SIZE (1 + 3 * 8)
#define SIZE (BODY_SIZE + SECRET_MAC_SIZE)

static const char *const proofs[] = { "password", "oidc" };

#define PROOFS (sizeof(proofs) / sizeof(*proofs))

static uint8_t proof_number(const char *proved)
{
	uint8_t i = 0;

	while (i < PROOFS && strcmp(proofs[i], proved) != 0)
		i++;
	return i;
}

static void add_mac(uint8_t mac_r[SECRET_MAC_SIZE], const struct secret_key *k, const void *body)
{
	secret_mac(mac_r, k, "pending sign-in", body, BODY_SIZE);
}

char *pending_format(const struct pending *p, const struct secret_key *k, int64_t now_s)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(SIZE);
	uint8_t mac[SECRET_MAC_SIZE];
	bool packed = !pack_u8(&b, proof_number(p->proved)) && !pack_u64(&b, p->account_id) && !pack_u64(&b, p->generation) &&
		!pack_i64(&b, now_s + PENDING_LIFE_S);

	if (packed) {
		add_mac(mac, k, b.data);
		packed = !buf_add(&b, mac, sizeof(mac));
	}
	return base64url_encode(b.data, packed ? b.len : 0);
}

int pending_parse(struct pending *p_r, const struct secret_key *k, const char *token, int64_t now_s)
{
	_free_ uint8_t *whole = NULL;
	uint8_t mac[SECRET_MAC_SIZE];
	size_t n;

	if (base64url_decode(&whole, &n, token, strlen(token)) < 0 || n != SIZE)
		return -1;
	add_mac(mac, k, whole);
	if (sodium_memcmp(mac, whole + BODY_SIZE, sizeof(mac)) != 0)
		return -1;
	struct unpack u = UNPACK_INIT(whole, BODY_SIZE);
	uint8_t proof = unpack_u8(&u);

	if (proof >= PROOFS)
		return -1;
	p_r->proved = proofs[proof];
	p_r->account_id = unpack_u64(&u);
	p_r->generation = unpack_u64(&u);
	return now_s < unpack_i64(&u) ? 0 : -1;
}
