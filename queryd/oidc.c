#include "queryd/oidc.h"

#include "base/clock.h"
#include "queryd/audit.h"
#include "queryd/limit.h"
#include "queryd/oidc_account.h"
#include "queryd/oidc_flow.h"
#include "queryd/provider.h"
#include "queryd/session_begin.h"
#include "queryd/signin.h"

#include <string.h>

#define START ROUTE_V1 "/auth/oidc/start"
#define COOKIE "__Host-strongroom-oidc" /* with this prefix a browser takes it from this host alone, over https */
#define ERROR_MAX 100 /* bytes of what the provider says went wrong that the audit keeps */

/* ---- answers ---- */

static void set_cookie(struct call *c, const char *value, int life_s)
{
	_free_ char *text = mem_printf(COOKIE "=%s; Path=/; Max-Age=%d; HttpOnly; Secure; SameSite=Lax", value, life_s);

	response_header(&c->response, "Set-Cookie", text);
}

static void not_configured(struct call *c)
{
	response_problem(&c->response, 404, "Nobody signs in through a provider here. Sign in at /api/v1/auth/login.");
}

static void provider_failed(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "The sign-in provider can't be asked at the moment.");
}

static void fail(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "Sign-in does not work at the moment.");
}

static void refuse(struct call *c, const char *detail)
{
	response_problem(&c->response, 401, "%s", detail);
	response_header(&c->response, "WWW-Authenticate", "Bearer realm=\"strongroom\"");
}

/* ---- the way there ---- */

static void start(struct call *c)
{
	struct provider *p = c->service->provider;
	struct oidc_flow f;
	struct err e;

	if (!p) {
		not_configured(c);
		return;
	}
	if (limit_stranger(c) < 0)
		return;
	oidc_flow_begin(&f, c->service->seal, clock_now_us() / CLOCK_SECOND);
	_free_ char *url = provider_sign_in_url(p, &f, &e);

	if (url) {
		response_empty(&c->response, 302);
		response_header(&c->response, "Location", url);
		set_cookie(c, f.cookie, OIDC_FLOW_LIFE_S);
	} else {
		provider_failed(c, &e);
	}
	explicit_bzero(&f, sizeof(f));
}

/* ---- the way back ---- */

/* The flow that this browser began and comes back from. */
static int resume(struct call *c, struct oidc_flow *f)
{
	_free_ char *cookie = request_cookie(c->request, COOKIE);
	const char *state = request_parameter(c->request, "state");

	if (state && cookie && oidc_flow_resume(f, c->service->seal, cookie, clock_now_us() / CLOCK_SECOND) == 0 &&
		oidc_flow_is(f, state))
		return 0;
	response_problem_at(&c->response, "state", -1,
		"This browser has not begun this sign-in, or more than ten minutes ago. Begin at " START ".");
	return -1;
}

/* The provider has not signed anybody in. */
static void answer_error(struct call *c, const char *error)
{
	_json_ cJSON *detail = cJSON_CreateObject();
	_free_ char *brief = mem_dup(error, strnlen(error, ERROR_MAX));

	json_add_str(detail, "error", brief);
	_free_ char *text = json_print(detail);

	if (audit_intent(c, NULL, "none", text) == 0)
		refuse(c, "The sign-in provider has not signed you in. Begin at " START ".");
}

/* The token is good: of whom it is known is in c->account. */
static void answer_account(struct call *c, const struct id_token *t)
{
	if (provider_was_strong(c->service->provider, t)) {
		cJSON *tokens = session_begin(c, "oidc+mfa", t->signed_in_s * CLOCK_SECOND);

		if (tokens)
			response_json(&c->response, tokens);
	} else {
		signin_answer_first(c, &c->account, "oidc");
	}
}

static void answer_found(struct call *c, struct oidc_account *a, const struct id_token *t)
{
	_json_ cJSON *detail = oidc_account_describe(a);
	_free_ char *text = json_print(detail);
	struct err e;

	if (audit_intent(c, a->name, "oidc", text) < 0)
		return;
	int settled = oidc_account_settle(c, a, &e);

	if (settled < 0)
		fail(c, &e);
	else if (settled)
		answer_account(c, t);
	else
		refuse(c, "There is no account here for this sign-in, or it is disabled. Ask an administrator of the archive.");
}

static void answer_token(struct call *c, const struct id_token *t)
{
	CLEANUP(oidc_account_deinit) struct oidc_account a = { 0 };
	struct err e;
	int may = oidc_account_find(c, t, &a, &e) < 0 ? -1 : limit_signin_proved(c, t->subject, &e);

	log_context_set(&c->log, "user", a.name);
	if (may < 0)
		fail(c, &e);
	else if (may)
		answer_found(c, &a, t);
}

static void answer_code(struct call *c, const struct provider_answer *answer, const struct oidc_flow *f)
{
	CLEANUP(id_token_deinit) struct id_token t = { 0 };
	struct err e;
	int taken = provider_take_code(c->service->provider, answer, f, &t, &e);

	if (taken < 0) {
		provider_failed(c, &e);
	} else if (taken) {
		answer_token(c, &t);
	} else {
		log_warn(&c->log, "a sign-in through the provider is refused: %s", e.text);
		if (audit_intent(c, NULL, "none", NULL) == 0)
			refuse(c, "What the sign-in provider says is not good, or was used before. Begin at " START ".");
	}
}

static void answer_callback(struct call *c, const struct oidc_flow *f)
{
	const struct request *r = c->request;
	const struct provider_answer answer = { request_parameter(r, "code"), request_parameter(r, "iss") };
	const char *error = request_parameter(r, "error");
	struct err e;
	int may = limit_signin_network(c, &e);

	if (may < 0)
		fail(c, &e);
	else if (may && error)
		answer_error(c, error);
	else if (may && (!answer.code || !*answer.code || strlen(answer.code) > PROVIDER_CODE_MAX))
		response_problem_at(&c->response, "code", -1, "The provider gives a code of at most %d bytes.", PROVIDER_CODE_MAX);
	else if (may)
		answer_code(c, &answer, f);
}

static void callback(struct call *c)
{
	struct oidc_flow f;

	if (!c->service->provider) {
		not_configured(c);
		return;
	}
	if (resume(c, &f) == 0) {
		answer_callback(c, &f);
		set_cookie(c, "", 0); /* a flow ends with its first answer */
	}
	explicit_bzero(&f, sizeof(f));
}

static const char *const callback_parameters[] = { "code", "state", "iss", "error", "error_description", NULL };

const struct route oidc_routes[] = {
	{ .method = METHOD_GET, .pattern = START, .handle = start },
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/auth/oidc/callback",
		.action = "sign-in.oidc",
		.parameters = callback_parameters,
		.more_parameters = true,
		.handle = callback },
	{ 0 },
};
