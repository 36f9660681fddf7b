#include "queryd/route.h"

#include "queryd/audit.h"
#include "queryd/audit_log.h"
#include "queryd/auth.h"
#include "queryd/authz.h"
#include "queryd/case_parts.h"
#include "queryd/cases.h"
#include "queryd/conversation.h"
#include "queryd/departments.h"
#include "queryd/dispositions.h"
#include "queryd/enrolment.h"
#include "queryd/exports.h"
#include "queryd/health.h"
#include "queryd/holds.h"
#include "queryd/ingest.h"
#include "queryd/jwks.h"
#include "queryd/limit.h"
#include "queryd/metadata.h"
#include "queryd/oidc.h"
#include "queryd/openapi.h"
#include "queryd/password.h"
#include "queryd/read.h"
#include "queryd/retention.h"
#include "queryd/roles.h"
#include "queryd/recovery.h"
#include "queryd/search.h"
#include "queryd/searches.h"
#include "queryd/sessions.h"
#include "queryd/service_accounts.h"
#include "queryd/signin.h"
#include "queryd/users.h"

#include <assert.h>
#include <string.h>

const struct route *const route_areas[] = {
	signin_routes,
	oidc_routes,
	sessions_routes,
	jwks_routes,
	password_routes,
	enrolment_routes,
	recovery_routes,
	search_routes,
	searches_routes,
	metadata_routes,
	read_routes,
	ingest_routes,
	conversation_routes,
	user_routes,
	case_routes,
	case_part_routes,
	hold_routes,
	retention_routes,
	disposition_routes,
	role_routes,
	service_account_routes,
	department_routes,
	mailbox_routes,
	export_routes,
	audit_log_routes,
	health_routes,
	openapi_routes,
	NULL,
};

/* Does the path fit the pattern? Fills the parameters. */
static bool fits(struct call *c, const char *pattern)
{
	const struct strv *path = &c->request->path;
	size_t at = 0, parameter = 0;

	while (*pattern == '/' && pattern[1]) {
		const char *piece = ++pattern;
		size_t n = strcspn(piece, "/");

		pattern += n;
		if (at == path->n)
			return false;
		if (*piece == '{') {
			assert(parameter < CALL_PARAMETERS_MAX);
			c->parameters[parameter++] = path->items[at];
		} else if (strlen(path->items[at]) != n || memcmp(path->items[at], piece, n) != 0) {
			return false;
		}
		at++;
	}
	return at == path->n;
}

/* HEAD asks for what GET does, but never where a look is audited: it would be on record without having been one. */
static bool takes_head(const struct route *r)
{
	return r->method == METHOD_GET && !r->action;
}

static bool takes(const struct route *r, enum method m)
{
	return r->method == m || (m == METHOD_HEAD && takes_head(r));
}

/* Calls visit for the routes whose pattern the path fits, until it says true. */
static bool each_fitting(struct call *c, bool (*visit)(struct call *c, const struct route *r, void *ctx), void *ctx)
{
	for (const struct route *const *area = route_areas; *area; area++)
		for (const struct route *r = *area; r->handle; r++)
			if (fits(c, r->pattern) && visit(c, r, ctx))
				return true;
	return false;
}

static bool choose(struct call *c, const struct route *r, void *ctx)
{
	(void)ctx;
	if (!takes(r, c->request->method))
		return false;
	c->route = r;
	return true;
}

static bool add_method(struct call *c, const struct route *r, void *ctx)
{
	struct strv *methods = ctx;

	(void)c;
	strv_add_unique(methods, request_method_name(r->method));
	if (takes_head(r))
		strv_add_unique(methods, request_method_name(METHOD_HEAD));
	return false;
}

/* Finds the route, or sets the refusal. */
static int find(struct call *c)
{
	CLEANUP(strv_deinit) struct strv methods = { 0 };

	if (each_fitting(c, choose, NULL))
		return 0;
	each_fitting(c, add_method, &methods);
	if (!methods.n) {
		response_problem(&c->response, 404, "There is nothing here. See /api/v1/openapi.json.");
		return -1;
	}
	_free_ char *allowed = strv_join(&methods, ", ");

	response_problem(&c->response, 405, "This resource takes only %s.", allowed);
	response_header(&c->response, "Allow", allowed);
	return -1;
}

/* May they, of whom it is known who asks? */
static int check_rights(struct call *c)
{
	const char *permission = c->route->permission;

	if (!*permission && c->program) {
		if (audit_intent_signed_in(c, NULL) == 0)
			response_problem(&c->response, 403, "This is for people: a program has neither password nor session.");
		return -1;
	}
	if (*permission && !authz_may(&c->account, permission)) {
		if (audit_intent_signed_in(c, NULL) == 0)
			response_problem(&c->response, 403, "The account lacks the permission %s.", permission);
		return -1;
	}
	if (c->route->program && !c->program) {
		if (audit_intent_signed_in(c, NULL) == 0)
			response_problem(&c->response, 403, "This is for service accounts, with their certificate.");
		return -1;
	}
	return c->route->fresh ? auth_fresh(c) : 0;
}

/* Who asks, and may they? */
static int admit(struct call *c)
{
	if (!c->route->permission)
		return c->route->action ? limit_stranger(c) : 0;
	return limit_stranger(c) < 0 || auth_bearer(c) < 0 || limit_request(c) < 0 ? -1 : check_rights(c);
}

/* While a large body came in, who sends it may have lost the right to. */
static int admit_again(struct call *c)
{
	account_deinit(&c->account);
	session_deinit(&c->session);
	c->program = false;
	return auth_bearer(c) < 0 ? -1 : check_rights(c);
}

/* Are the parameters of the query some that the route knows? */
static int check_parameters(struct call *c)
{
	const struct strv *names = &c->request->query_names;

	for (size_t i = 0; i < names->n && !c->route->more_parameters; i++) {
		const char *const *known = c->route->parameters;

		while (known && *known && strcmp(*known, names->items[i]) != 0)
			known++;
		if (known && *known)
			continue;
		response_problem_at(&c->response, names->items[i], -1, "This resource takes no such query parameter.");
		return -1;
	}
	return 0;
}

/* Is the body one that may come with this request? */
static int check_body(struct call *c)
{
	size_t n = c->request->body.len, max = c->route->body_max;

	if (n <= max)
		return 0;
	if (!max)
		response_problem(&c->response, 400, "This request takes no body.");
	else
		response_problem(&c->response, 413, "The body of this request may have %zu KiB.", max / 1024);
	return -1;
}

static void answer(struct call *c)
{
	if (find(c) < 0 || (c->admitted ? admit_again(c) : admit(c)) < 0 || check_parameters(c) < 0 || check_body(c) < 0 ||
		limit_enter(c) < 0)
		return;
	c->route->handle(c);
	limit_leave(c);
	if (c->route->action && c->response.status < 400 && !c->audited) {
		log_error(&c->log, "%s answered without an audit intent", c->route->pattern);
		response_problem(&c->response, 500, "Internal error.");
	}
}

static void finish(struct call *c)
{
	if (!response_is_long(&c->response) && audit_outcome(c) < 0)
		response_unavailable(&c->response, "The audit record can't be written; nothing is shown without it.");
}

/* In memory the body is there once as it came, and of what it says there may be as much again. */
static int hold_body(struct call *c)
{
	uint64_t bytes = 2 * (c->request->chunked ? c->route->body_max : c->request->declared);

	if (service_hold(c->service, bytes)) {
		c->held = bytes;
		return 0;
	}
	response_unavailable(&c->response, "Too much is being sent at the moment.");
	return -1;
}

bool route_begin(struct call *c, size_t *body_max_r)
{
	*body_max_r = REQUEST_BODY_MAX;
	if (!each_fitting(c, choose, NULL) || c->route->body_max <= REQUEST_BODY_MAX)
		return true;
	*body_max_r = c->route->body_max;
	if (admit(c) < 0 || hold_body(c) < 0) {
		finish(c);
		return false;
	}
	c->admitted = true;
	return true;
}

void route_dispatch(struct call *c)
{
	answer(c);
	finish(c);
}
