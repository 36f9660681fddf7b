#include "queryd/grant.h"

#include "base/clock.h"
#include "mail/address.h"
#include "meta/department.h"
#include "meta/role.h"
#include "queryd/access.h"
#include "queryd/authz.h"
#include "queryd/departments.h"
#include "queryd/present.h"

#include <string.h>

void grant_deinit(struct grant *g)
{
	strv_deinit(&g->roles);
	strv_deinit(&g->permissions);
	strv_deinit(&g->mailboxes);
	strv_deinit(&g->departments);
	*g = (struct grant){ 0 };
}

bool grant_mailbox_good(const char *mailbox)
{
	_free_ char *normal = address_normalize(mailbox);
	size_t n = strlen(normal);

	return n && n <= GRANT_MAILBOX_MAX && strchr(normal, '@');
}

/* ---- from a request ---- */

static int add_role(struct call *c, struct grant *g, const char *name)
{
	CLEANUP(role_deinit) struct role role = { 0 };
	struct err e;
	int found = meta_role_get(c->service->meta, name, &role, &e);

	if (found < 0)
		return access_failed(c, &e);
	if (!found) {
		response_problem_at(&c->response, "roles", -1, "There is no role \"%s\".", name);
		return -1;
	}
	strv_add(&g->roles, name);
	for (size_t i = 0; i < role.permissions.n; i++)
		strv_add_unique(&g->permissions, role.permissions.items[i]);
	return 0;
}

static int read_roles(struct call *c, const cJSON *body, struct grant *g)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };

	g->has_roles = body_strings(body, "roles", &names);
	for (size_t i = 0; i < names.n; i++)
		if (add_role(c, g, names.items[i]) < 0)
			return -1;
	return 0;
}

static int check_mailboxes(struct call *c, const struct strv *mailboxes)
{
	for (size_t i = 0; i < mailboxes->n; i++)
		if (!grant_mailbox_good(mailboxes->items[i])) {
			response_problem_at(&c->response, "scope", -1, "\"%s\" is no mailbox.", mailboxes->items[i]);
			return -1;
		}
	return 0;
}

static int read_time(struct call *c, const cJSON *scope, const char *name, int64_t *us)
{
	const char *text = body_string(scope, name);

	if (!text || clock_parse(us, text) == 0)
		return 0;
	response_problem_at(&c->response, "scope", -1, "%s must be an RFC 3339 time such as 2026-11-22T17:31:00Z, or a day.", name);
	return -1;
}

static int read_scope(struct call *c, const cJSON *body, struct grant *g)
{
	static const struct body_field fields[] = {
		{ .name = "all", .type = BODY_BOOLEAN },
		{ .name = "mailboxes", .type = BODY_STRINGS, .max = GRANT_MAILBOX_MAX, .items = GRANT_MAILBOXES_MAX },
		{ .name = "departments", .type = BODY_STRINGS, .max = GRANT_DEPARTMENT_MAX, .items = GRANT_DEPARTMENTS_MAX },
		{ .name = "from", .type = BODY_STRING },
		{ .name = "until", .type = BODY_STRING },
		{ 0 },
	};
	const cJSON *scope = cJSON_GetObjectItemCaseSensitive(body, "scope");

	g->scope = (struct account_scope){ .mailboxes = &g->mailboxes, .departments = &g->departments, .from_us = INT64_MIN,
		.until_us = INT64_MAX };
	g->has_scope = cJSON_IsObject(scope);
	if (!g->has_scope)
		return 0;
	if (body_check(c, scope, fields) < 0)
		return -1;
	g->scope.all = body_boolean(scope, "all", false);
	body_strings(scope, "mailboxes", &g->mailboxes);
	body_strings(scope, "departments", &g->departments);
	if (read_time(c, scope, "from", &g->scope.from_us) < 0 || read_time(c, scope, "until", &g->scope.until_us) < 0)
		return -1;
	if (g->scope.from_us >= g->scope.until_us) {
		response_problem_at(&c->response, "scope", -1, "from is not before until.");
		return -1;
	}
	return check_mailboxes(c, &g->mailboxes) < 0 ? -1 : departments_check(c, "scope", &g->departments);
}

int grant_read(struct call *c, const cJSON *body, struct grant *g_r)
{
	return read_roles(c, body, g_r) < 0 ? -1 : read_scope(c, body, g_r);
}

/* ---- for the audit ---- */

static bool has_mailboxes(const struct account *own, const struct strv *mailboxes)
{
	for (size_t i = 0; i < mailboxes->n; i++) {
		_free_ char *normal = address_normalize(mailboxes->items[i]);

		if (!strv_has(&own->scope_mailboxes, normal))
			return false;
	}
	return true;
}

/* A department grows: whoever has only some mailboxes gives more than that with it. */
static bool scope_is_own(const struct account *own, const struct account_scope *s)
{
	if (s->from_us < own->scope_from_us || s->until_us > own->scope_until_us)
		return false;
	return own->scope_all || (!s->all && !s->departments->n && has_mailboxes(own, s->mailboxes));
}

static void present_scope(cJSON *object, const struct account_scope *s)
{
	cJSON *scope = cJSON_CreateObject();

	json_add_bool(scope, "all", s->all);
	grant_present_list(scope, "mailboxes", s->mailboxes);
	grant_present_list(scope, "departments", s->departments);
	if (s->from_us != INT64_MIN)
		present_time(scope, "from", s->from_us);
	else
		json_add_str(scope, "from", NULL);
	if (s->until_us != INT64_MAX)
		present_time(scope, "until", s->until_us);
	else
		json_add_str(scope, "until", NULL);
	json_add_item(object, "scope", scope);
}

void grant_describe(const struct call *c, const struct grant *g, cJSON *detail)
{
	CLEANUP(strv_deinit) struct strv beyond = { 0 };

	if (g->has_roles)
		grant_present_list(detail, "roles", &g->roles);
	if (g->has_scope)
		present_scope(detail, &g->scope);
	for (size_t i = 0; i < g->permissions.n; i++)
		if (!authz_may(&c->account, g->permissions.items[i]))
			strv_add(&beyond, g->permissions.items[i]);
	if (g->has_scope && !scope_is_own(&c->account, &g->scope))
		strv_add(&beyond, "scope");
	grant_present_list(detail, "beyond_own", &beyond);
}

/* ---- refusing ---- */

int grant_refuse_own(struct call *c, const char *what)
{
	response_problem_named(&c->response, 403, "own-account", "%s is changed by another account than one's own.", what);
	return -1;
}

int grant_check_other(struct call *c, uint64_t account_id)
{
	return account_id == c->account.id ? grant_refuse_own(c, "This account") : 0;
}

/* ---- for answers ---- */

void grant_present_list(cJSON *object, const char *key, const struct strv *list)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; list && i < list->n; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(list->items[i]));
	json_add_item(object, key, array);
}

void grant_present_scope(cJSON *object, const struct user *u)
{
	const struct account_scope scope = { u->scope_all, &u->mailboxes, &u->departments, u->from_us, u->until_us };

	present_scope(object, &scope);
}
