#include "queryd/route.h"

#include "queryd/audit.h"
#include "queryd/auth.h"
#include "queryd/authz.h"
#include "queryd/health.h"
#include "queryd/openapi.h"
#include "queryd/read.h"
#include "queryd/search.h"
#include "queryd/signin.h"

#include <string.h>

/* Parsed JSON is much larger than its text: who has not signed in gets little of it. */
#define BODY_MAX_UNKNOWN (16u * 1024)

#define V1 "/api/v1"
#define EMAIL V1 "/archive/emails/{id}"

const struct route routes[] = {
	{ METHOD_POST, V1 "/auth/login", NULL, "sign-in.password", signin_password },
	{ METHOD_POST, V1 "/auth/totp", NULL, "sign-in.totp", signin_totp },
	{ METHOD_POST, V1 "/search/emails/", "ARCHIVE_SEARCH", "search", search_emails },
	{ METHOD_GET, EMAIL "/", "ARCHIVE_READ", "read.metadata", read_metadata },
	{ METHOD_GET, EMAIL "/content", "ARCHIVE_READ", "read.content", read_content },
	{ METHOD_GET, EMAIL "/attachments/{index}", "ARCHIVE_READ", "read.attachment", read_attachment },
	{ METHOD_GET, "/healthz", NULL, NULL, health_alive },
	{ METHOD_GET, "/readyz", NULL, NULL, health_ready },
	{ METHOD_GET, V1 "/openapi.json", NULL, NULL, openapi_document },
	{ METHOD_OTHER, NULL, NULL, NULL, NULL },
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
		if (*piece == '{')
			c->parameters[parameter++] = path->items[at];
		else if (strlen(path->items[at]) != n || memcmp(path->items[at], piece, n) != 0)
			return false;
		at++;
	}
	return at == path->n;
}

static const char *method_name(enum method m)
{
	return m == METHOD_POST ? "POST" : "GET";
}

/* HEAD asks for what GET does, but never where a look is audited: it would be on record without having been one. */
static bool takes(const struct route *r, enum method m)
{
	return r->method == m || (m == METHOD_HEAD && r->method == METHOD_GET && !r->action);
}

/* Finds the route, or sets the refusal. */
static int find(struct call *c)
{
	const struct route *other = NULL;

	for (const struct route *r = routes; r->handle; r++) {
		if (!fits(c, r->pattern))
			continue;
		if (takes(r, c->request->method)) {
			c->route = r;
			return 0;
		}
		other = r;
	}
	if (!other) {
		response_problem(&c->response, 404, "There is nothing here. See /api/v1/openapi.json.");
		return -1;
	}
	response_problem(&c->response, 405, "This resource takes only %s.", method_name(other->method));
	response_header(&c->response, "Allow", method_name(other->method));
	return -1;
}

/* Who asks, and may they? */
static int admit(struct call *c)
{
	const char *permission = c->route->permission;

	if (!permission)
		return 0;
	if (auth_bearer(c) < 0)
		return -1;
	if (authz_may(&c->account, permission))
		return 0;
	if (audit_intent_signed_in(c, NULL) == 0)
		response_problem(&c->response, 403, "The account lacks the permission %s.", permission);
	return -1;
}

/* Is the body one that may come with this request? */
static int check_body(struct call *c)
{
	size_t n = c->request->body.len;

	if (n && c->request->method != METHOD_POST)
		response_problem(&c->response, 400, "This request takes no body.");
	else if (n > BODY_MAX_UNKNOWN && !c->route->permission)
		response_problem(&c->response, 413, "Before sign-in a body may have 16 KiB.");
	else
		return 0;
	return -1;
}

static void answer(struct call *c)
{
	if (find(c) < 0 || admit(c) < 0 || check_body(c) < 0)
		return;
	c->route->handle(c);
	if (c->route->action && c->response.status < 400 && !c->audited) {
		log_error(&c->log, "%s answered without an audit intent", c->route->pattern);
		response_problem(&c->response, 500, "Internal error.");
	}
}

void route_dispatch(struct call *c)
{
	answer(c);
	if (!c->response.content && audit_outcome(c) < 0)
		response_unavailable(&c->response, "The audit record can't be written; nothing is shown without it.");
}
