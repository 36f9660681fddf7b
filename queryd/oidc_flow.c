#include "queryd/oidc_flow.h"

#include "base/buf.h"
#include "base/pack.h"
#include "sys/base64url.h"
#include "sys/digest.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_SIZE 32
#define BASE_SIZE (RANDOM_SIZE + 8) /* and the end of its time */
#define SIZE (BASE_SIZE + SECRET_MAC_SIZE)

static void write_text(char *text_r, size_t size, const void *bytes, size_t n)
{
	_free_ char *text = base64url_encode(bytes, n);

	snprintf(text_r, size, "%s", text);
	explicit_bzero(text, strlen(text));
}

static void derive(char text_r[OIDC_FLOW_TEXT_SIZE], const struct secret_key *k, const char *label, const uint8_t base[BASE_SIZE])
{
	uint8_t mac[SECRET_MAC_SIZE];

	secret_mac(mac, k, label, base, BASE_SIZE);
	write_text(text_r, OIDC_FLOW_TEXT_SIZE, mac, sizeof(mac));
	explicit_bzero(mac, sizeof(mac));
}

/* base: the first BASE_SIZE bytes, room for the MAC behind them. */
static void derive_all(struct oidc_flow *f, const struct secret_key *k, uint8_t base[SIZE])
{
	uint8_t digest[SHA256_SIZE];

	secret_mac(base + BASE_SIZE, k, "oidc cookie", base, BASE_SIZE);
	write_text(f->cookie, sizeof(f->cookie), base, SIZE);
	derive(f->state, k, "oidc state", base);
	derive(f->nonce, k, "oidc nonce", base);
	derive(f->verifier, k, "oidc verifier", base);
	sha256_of(f->verifier, strlen(f->verifier), digest);
	write_text(f->challenge, sizeof(f->challenge), digest, sizeof(digest));
}

void oidc_flow_begin(struct oidc_flow *f, const struct secret_key *k, int64_t now_s)
{
	uint64_t until = (uint64_t)(now_s + OIDC_FLOW_LIFE_S);
	uint8_t base[SIZE];

	secret_random(base, RANDOM_SIZE);
	for (size_t i = 0; i < 8; i++)
		base[RANDOM_SIZE + i] = (uint8_t)(until >> (56 - 8 * i));
	derive_all(f, k, base);
	explicit_bzero(base, sizeof(base));
}

int oidc_flow_resume(struct oidc_flow *f_r, const struct secret_key *k, const char *cookie, int64_t now_s)
{
	_free_ uint8_t *sent = NULL;
	uint8_t base[SIZE];
	size_t n;

	if (strlen(cookie) != OIDC_FLOW_COOKIE_SIZE - 1 || base64url_decode(&sent, &n, cookie, strlen(cookie)) < 0 || n != SIZE)
		return -1;
	struct unpack u = UNPACK_INIT(sent + RANDOM_SIZE, 8);
	uint64_t until = unpack_u64(&u);

	memcpy(base, sent, BASE_SIZE);
	derive_all(f_r, k, base);
	bool good = sodium_memcmp(base, sent, SIZE) == 0 && (uint64_t)now_s < until;

	explicit_bzero(base, sizeof(base));
	return good ? 0 : -1;
}

bool oidc_flow_is(const struct oidc_flow *f, const char *state)
{
	return strlen(state) == sizeof(f->state) - 1 && sodium_memcmp(f->state, state, sizeof(f->state) - 1) == 0;
}
