#include "queryd/sessions.h"

#include "base/clock.h"
#include "cache/token_floor.h"
#include "queryd/access.h"
#include "queryd/account.h"
#include "queryd/audit.h"
#include "queryd/auth.h"
#include "queryd/body.h"
#include "queryd/code.h"
#include "queryd/list.h"
#include "queryd/session_begin.h"

#include <string.h>

static void fail(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "Sessions can't be read or changed at the moment.");
}

/* Ends a session of c->account. 1, 0 when it has none of this id that lives, -1. */
static int end(struct call *c, const struct uuid *id, const char *reason, struct err *e)
{
	char name[SESSION_END_NAME_SIZE];
	int ended = meta_session_end(c->service->meta, c->account.id, id, reason, clock_now_us(), e);

	if (ended == 1)
		cache_raise(c->service->cache, session_end_name(name, id), 1, c->service->conf->queryd_token_us);
	return ended;
}

/* ---- going on ---- */

static void refuse_refresh(struct call *c, const char *detail)
{
	response_problem(&c->response, 401, "%s", detail);
	response_header(&c->response, "WWW-Authenticate", "Bearer realm=\"strongroom\"");
}

/* What the token is; c->session and c->account are its. -1: it can't be told. */
static int look_up(struct call *c, const char *text, struct refresh_token *t_r, enum refresh_state *state_r, struct err *e)
{
	*state_r = REFRESH_UNKNOWN;
	if (refresh_token_parse(t_r, text) < 0)
		return 0;
	int found = meta_session_get(c->service->meta, &t_r->session_id, &c->session, &c->account, e);

	if (found == 1)
		*state_r = refresh_token_state(t_r, &c->session, clock_now_us());
	if (found < 0 || *state_r != REFRESH_UNKNOWN)
		return found < 0 ? -1 : 0;
	account_deinit(&c->account); /* whoever knows the session's id alone is nobody */
	session_deinit(&c->session);
	return 0;
}

static int note_refresh(struct call *c, enum refresh_state state)
{
	if (state == REFRESH_UNKNOWN)
		return audit_intent(c, NULL, "none", NULL);
	char id[UUID_TEXT_SIZE];
	_json_ cJSON *detail = cJSON_CreateObject();

	log_context_set(&c->log, "user", c->account.username);
	json_add_str(detail, "session", uuid_format(id, &c->session.id));
	if (state == REFRESH_REUSED)
		json_add_bool(detail, "reused", true);
	_free_ char *text = json_print(detail);

	return audit_intent(c, NULL, "refresh token", text);
}

static void refuse_raced(struct call *c)
{
	response_problem_named(&c->response, 409, "refreshed",
		"Another request has used this refresh token a moment ago. Go on with what it was answered.");
}

static void give_tokens(struct call *c, const struct refresh_token *t)
{
	cJSON *j = session_tokens(c, t);

	if (j)
		response_json(&c->response, j);
}

static void go_on(struct call *c, struct refresh_token *t)
{
	struct session *s = &c->session;
	uint8_t from[SHA256_SIZE];
	struct err e;

	memcpy(from, s->refresh_hash, sizeof(from));
	refresh_token_next(t);
	refresh_token_hash(t, s);
	free(s->client);
	free(s->agent);
	s->client = mem_strdup(c->request->client);
	s->agent = mem_strdup(c->request->agent);
	s->seen_us = clock_now_us();
	int done = meta_session_refresh(c->service->meta, s, from, &e);

	if (done < 0)
		fail(c, &e);
	else if (!done)
		refuse_raced(c);
	else
		give_tokens(c, t);
}

static void refuse_reused(struct call *c)
{
	struct err e;

	log_warn(&c->log, "a refresh token was used again: its session ends");
	if (end(c, &c->session.id, "refresh token used again", &e) < 0)
		fail(c, &e);
	else
		refuse_refresh(c, "This refresh token was used before. Somebody may have a copy of it, so its session has ended: sign in "
			"again.");
}

static void answer_refresh(struct call *c, enum refresh_state state, struct refresh_token *t)
{
	if (state == REFRESH_REUSED)
		refuse_reused(c);
	else if (state == REFRESH_UNKNOWN || !session_lives(&c->session, &c->account, clock_now_us()))
		refuse_refresh(c, "The refresh token is not valid, or no longer. Sign in again.");
	else if (state == REFRESH_RACED)
		refuse_raced(c);
	else
		go_on(c, t);
}

static void refresh(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "refresh_token", .type = BODY_STRING, .required = true, .max = 1024 },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);
	struct refresh_token t = { 0 };
	enum refresh_state state;
	struct err e;

	if (!body)
		return;
	if (look_up(c, body_string(body, "refresh_token"), &t, &state, &e) < 0)
		fail(c, &e);
	else if (note_refresh(c, state) == 0)
		answer_refresh(c, state, &t);
	explicit_bzero(&t, sizeof(t));
}

/* ---- proving oneself again ---- */

static void step_up(struct call *c)
{
	static const struct body_field fields[] = { { .name = "code", .type = BODY_STRING, .required = true }, { 0 } };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body || audit_intent_signed_in(c, NULL) < 0)
		return;
	int good = code_use(c, body_string(body, "code"), &e);

	if (good == 1)
		good = meta_session_factor(c->service->meta, &c->session.id, clock_now_us(), &e);
	if (good < 0) {
		fail(c, &e);
	} else if (!good) {
		auth_ask_factor(c, "The code is wrong or was used before; after many wrong ones, wait five minutes first.");
	} else {
		cJSON *j = cJSON_CreateObject();

		json_add_u64(j, "expires_in", (uint64_t)(c->service->conf->queryd_mfa_session_us / CLOCK_SECOND));
		response_json(&c->response, j);
	}
}

/* ---- ending ---- */

static void answer_end(struct call *c, const struct uuid *id, const char *reason)
{
	struct err e;
	int ended = end(c, id, reason, &e);

	if (ended < 0)
		fail(c, &e);
	else if (!ended)
		response_problem(&c->response, 404, "There is no such session.");
	else
		response_empty(&c->response, 204);
}

static void logout(struct call *c)
{
	if (audit_intent_signed_in(c, NULL) == 0)
		answer_end(c, &c->session.id, "logout");
}

static void end_one(struct call *c)
{
	struct uuid id;

	if (audit_intent_signed_in(c, NULL) < 0)
		return;
	if (uuid_parse(&id, c->parameters[0]) < 0)
		response_problem(&c->response, 404, "There is no such session.");
	else
		answer_end(c, &id, "ended by its user");
}

/* ---- the list ---- */

static void add_time(cJSON *j, const char *name, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	json_add_str(j, name, clock_format(text, us));
}

static cJSON *describe(const struct session *s, const struct uuid *current)
{
	cJSON *j = cJSON_CreateObject();
	char id[UUID_TEXT_SIZE];

	json_add_str(j, "id", uuid_format(id, &s->id));
	json_add_str(j, "strength", s->strength);
	add_time(j, "created_at", s->created_us);
	add_time(j, "seen_at", s->seen_us);
	add_time(j, "second_factor_at", s->factor_us);
	add_time(j, "expires_at", s->until_us);
	json_add_str(j, "client", s->client);
	json_add_str(j, "user_agent", s->agent);
	json_add_bool(j, "current", memcmp(&s->id, current, sizeof(s->id)) == 0);
	return j;
}

static void answer_list(struct call *c, const struct session *sessions, size_t n, size_t limit)
{
	cJSON *items = cJSON_CreateArray();
	char last[UUID_TEXT_SIZE];

	for (size_t i = 0; i < n && i < limit; i++)
		cJSON_AddItemToArray(items, describe(&sessions[i], &c->session.id));
	list_answer(c, items, n > limit ? uuid_format(last, &sessions[limit - 1].id) : NULL);
}

/* After the intent. */
static void list_of(struct call *c, uint64_t account_id, const struct list *l, const struct uuid *after)
{
	struct session *sessions;
	struct err e;
	size_t n;

	if (meta_session_list(c->service->meta, account_id, clock_now_us(), *l->after ? after : NULL, l->limit + 1, &sessions, &n,
		    &e) < 0) {
		fail(c, &e);
		return;
	}
	answer_list(c, sessions, n, l->limit);
	sessions_free(sessions, n);
}

static void list_own(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	struct uuid after;

	if (list_read(c, &l) == 0 && list_after_uuid(c, &l, &after) == 0 && audit_intent_signed_in(c, NULL) == 0)
		list_of(c, c->account.id, &l, &after);
}

/* ---- of others ---- */

static void list_others(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	CLEANUP(user_deinit) struct user u = { 0 };
	struct uuid after;

	if (list_read(c, &l) == 0 && list_after_uuid(c, &l, &after) == 0 &&
		account_begin(c, USER_PERSON, cJSON_CreateObject(), &u) == 0)
		list_of(c, u.id, &l, &after);
}

static void end_others(struct call *c)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	struct err e;

	if (account_begin(c, USER_PERSON, cJSON_CreateObject(), &u) < 0)
		return;
	if (meta_account_sign_out(c->service->meta, u.username, &e) < 0) {
		fail(c, &e);
		return;
	}
	access_tell_cache(c, u.id);
	response_empty(&c->response, 204);
}

const struct route sessions_routes[] = {
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/refresh",
		.action = "session.refresh",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = refresh },
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/step-up",
		.permission = ROUTE_ANYBODY,
		.action = "session.step-up",
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = step_up },
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/logout",
		.permission = ROUTE_ANYBODY,
		.action = "session.logout",
		.handle = logout },
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/auth/sessions/",
		.permission = ROUTE_ANYBODY,
		.action = "session.list",
		.parameters = list_parameters,
		.handle = list_own },
	{ .method = METHOD_DELETE,
		.pattern = ROUTE_V1 "/auth/sessions/{id}",
		.permission = ROUTE_ANYBODY,
		.action = "session.end",
		.handle = end_one },
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/users/{id}/sessions/",
		.permission = "USER_MANAGE",
		.action = "account.sessions",
		.fresh = true,
		.parameters = list_parameters,
		.handle = list_others },
	{ .method = METHOD_DELETE,
		.pattern = ROUTE_V1 "/users/{id}/sessions/",
		.permission = "USER_MANAGE",
		.action = "account.sign-out",
		.fresh = true,
		.handle = end_others },
	{ 0 },
};
