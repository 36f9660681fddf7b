#include "queryd/session_begin.h"

#include "base/clock.h"
#include "queryd/token.h"

#include <string.h>

static void fail(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "Sign-in does not work at the moment.");
}

cJSON *session_tokens(struct call *c, const struct refresh_token *refresh)
{
	const struct session *s = &c->session;
	int64_t now = clock_now_us() / CLOCK_SECOND, end = s->until_us / CLOCK_SECOND;
	int64_t expires = now + c->service->conf->queryd_token_us / CLOCK_SECOND;
	struct token_claims claims = { .account_id = c->account.id, .session_id = s->id, .issued_s = now,
		.expires_s = expires < end ? expires : end, .factor_s = s->factor_us / CLOCK_SECOND };
	char text[REFRESH_TOKEN_SIZE];
	struct err e;
	CLEANUP(keyring_freep) struct keyring *keys = key_watch_take(c->service->keys);
	_free_ char *token = token_issue(keys, &claims, &e);

	if (!token) {
		fail(c, &e);
		return NULL;
	}
	cJSON *j = cJSON_CreateObject();

	refresh_token_format(text, refresh);
	json_add_str(j, "access_token", token);
	json_add_str(j, "token_type", "Bearer");
	json_add_u64(j, "expires_in", (uint64_t)(claims.expires_s - now));
	json_add_str(j, "refresh_token", text);
	json_add_u64(j, "refresh_expires_in", (uint64_t)(end - now));
	explicit_bzero(text, sizeof(text));
	return j;
}

cJSON *session_begin(struct call *c, const char *strength, int64_t factor_us)
{
	int64_t now = clock_now_us();
	struct session *s = &c->session;
	struct refresh_token refresh;
	struct err e;

	session_deinit(s);
	*s = (struct session){ .id = uuid_new(now), .account_id = c->account.id, .generation = c->account.token_generation,
		.strength = mem_strdup(strength), .created_us = now, .seen_us = now, .factor_us = factor_us,
		.until_us = now + c->service->conf->queryd_session_us, .client = mem_strdup(c->request->client),
		.agent = mem_strdup(c->request->agent), .refreshed_us = now };
	refresh_token_new(&refresh, &s->id);
	refresh_token_hash(&refresh, s);
	cJSON *j = NULL;

	if (meta_session_add(c->service->meta, s, &e) < 0)
		fail(c, &e);
	else
		j = session_tokens(c, &refresh);
	explicit_bzero(&refresh, sizeof(refresh));
	return j;
}
