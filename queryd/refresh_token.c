#include "queryd/refresh_token.h"

#include "base/hex.h"
#include "sys/secret.h"

#include <assert.h>
#include <sodium.h>

static_assert(sizeof(struct refresh_token) * 2 + 1 == REFRESH_TOKEN_SIZE, "a refresh token is its bytes in order");

void refresh_token_new(struct refresh_token *t_r, const struct uuid *session_id)
{
	t_r->session_id = *session_id;
	secret_random(t_r->family, sizeof(t_r->family));
	refresh_token_next(t_r);
}

void refresh_token_next(struct refresh_token *t)
{
	secret_random(t->secret, sizeof(t->secret));
}

void refresh_token_format(char text[REFRESH_TOKEN_SIZE], const struct refresh_token *t)
{
	hex_encode(text, (const uint8_t *)t, sizeof(*t));
}

int refresh_token_parse(struct refresh_token *t_r, const char *text)
{
	return hex_decode((uint8_t *)t_r, sizeof(*t_r), text);
}

void refresh_token_hash(const struct refresh_token *t, struct session *s)
{
	sha256_of(t->family, sizeof(t->family), s->refresh_family);
	sha256_of(t->secret, sizeof(t->secret), s->refresh_hash);
}

enum refresh_state refresh_token_state(const struct refresh_token *t, const struct session *s, int64_t now_us)
{
	struct session sent = { 0 };

	refresh_token_hash(t, &sent);
	if (sodium_memcmp(sent.refresh_family, s->refresh_family, SHA256_SIZE) != 0)
		return REFRESH_UNKNOWN;
	if (sodium_memcmp(sent.refresh_hash, s->refresh_hash, SHA256_SIZE) == 0)
		return REFRESH_GOOD;
	if (sodium_memcmp(sent.refresh_hash, s->refresh_before, SHA256_SIZE) == 0 && now_us - s->refreshed_us <= REFRESH_GRACE_US)
		return REFRESH_RACED;
	return REFRESH_REUSED;
}
