#include "queryd/password.h"

#include "meta/factor.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/limit.h"

#include <string.h>

int password_accept(struct call *c, const char *field, const char *username, const char *password)
{
	const struct conf *conf = c->service->conf;
	const struct password_rules rules = { conf->queryd_password_min, conf->queryd_password_deny_file };
	struct err e;

	if (password_check(&rules, username, password, &e) == 0)
		return 0;
	if (e.class != ERR_PERMANENT)
		return access_failed(c, &e);
	response_problem_at(&c->response, field, -1, "This password is not taken: %s.", e.text);
	return -1;
}

int password_prove(struct call *c, const char *field, const char *password)
{
	struct err e;

	if (c->account.password_hash && !*c->account.password_hash) {
		response_problem_at(&c->response, field, -1,
			"This account has none: its user signs in through the provider. Ask an administrator.");
		return -1;
	}
	int may = limit_signin(c, c->account.username, &e);

	if (may < 0)
		return access_failed(c, &e);
	if (!may)
		return -1;
	if (c->account.password_hash && secret_password_verify(c->account.password_hash, password))
		return 0;
	response_problem_at(&c->response, field, -1, "This is not the current password.");
	return -1;
}

static void set(struct call *c, const char *password)
{
	struct err e;
	_free_ char *hash = secret_password_hash(password, &e);

	if (!hash || meta_factor_password(c->service->meta, c->account.id, &c->session.id, hash, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	access_tell_cache(c, c->account.id);
	response_empty(&c->response, 204);
}

static void change(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "current_password", .type = BODY_STRING, .required = true, .max = PASSWORD_BYTES_MAX },
		{ .name = "new_password", .type = BODY_STRING, .required = true, .max = PASSWORD_BYTES_MAX },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);

	if (!body || audit_intent_signed_in(c, NULL) < 0)
		return;
	const char *current = body_string(body, "current_password"), *fresh = body_string(body, "new_password");

	if (password_prove(c, "current_password", current) < 0)
		return;
	if (strcmp(current, fresh) == 0)
		response_problem_at(&c->response, "new_password", -1, "This is the current password.");
	else if (password_accept(c, "new_password", c->account.username, fresh) == 0)
		set(c, fresh);
}

const struct route password_routes[] = {
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/auth/password",
		.permission = ROUTE_ANYBODY,
		.action = "account.password",
		.fresh = true,
		.body_max = ROUTE_BODY_UNKNOWN,
		.handle = change },
	{ 0 },
};
