#include "queryd/roles.h"

#include "meta/permission.h"
#include "meta/role.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/etag.h"
#include "queryd/grant.h"
#include "queryd/list.h"

#include <string.h>

#define MEANING_MAX 255

#define NAME_CHARACTERS "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* ---- telling ---- */

static cJSON *present(const struct role *r)
{
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "name", r->name);
	json_add_str(j, "meaning", r->meaning);
	grant_present_list(j, "permissions", &r->permissions);
	json_add_bool(j, "custom", r->custom);
	json_add_u64(j, "accounts", r->accounts);
	return j;
}

static void list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	struct role *roles = NULL;
	struct err e;
	size_t n;

	if (list_read(c, &l) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_role_list(c->service->meta, l.after, l.limit + 1, &roles, &n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > l.limit ? l.limit : n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, present(&roles[i]));
	list_answer(c, items, n > given ? roles[given - 1].name : NULL);
	role_list_free(roles, n);
}

/* Finds the role, after the intent with this detail. -1: the response is set. */
static int begin(struct call *c, cJSON *detail, struct role *r_r)
{
	struct err e;
	int found = meta_role_get(c->service->meta, c->parameters[0], r_r, &e);

	if (access_intent(c, detail) < 0)
		return -1;
	if (found < 0)
		return access_failed(c, &e);
	return found ? 0 : access_not_found(c);
}

static void answer(struct call *c, const char *name, bool created)
{
	CLEANUP(role_deinit) struct role r = { 0 };
	_free_ char *location = mem_printf(ROUTE_V1 "/roles/%s/", name);
	char tag[ETAG_SIZE];
	struct err e;
	int found = meta_role_get(c->service->meta, name, &r, &e);

	if (found < 0) {
		access_failed(c, &e);
		return;
	}
	if (created)
		response_created(&c->response, location, present(&r));
	else
		response_json(&c->response, present(&r));
	etag_of_version(tag, r.version);
	etag_answer(c, tag);
}

static void get(struct call *c)
{
	CLEANUP(role_deinit) struct role r = { 0 };

	if (begin(c, cJSON_CreateObject(), &r) == 0)
		answer(c, r.name, false);
}

/* ---- changing ---- */

static int check_permissions(struct call *c, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (!permission_exists(names->items[i])) {
			response_problem_at(&c->response, "permissions", -1, "There is no permission \"%s\".", names->items[i]);
			return -1;
		}
	return 0;
}

/* What of it the giver lacks stands in the audit. */
static cJSON *describe(const struct call *c, const struct strv *permissions)
{
	CLEANUP(strv_deinit) struct strv beyond = { 0 };
	cJSON *detail = cJSON_CreateObject();

	grant_present_list(detail, "permissions", permissions);
	for (size_t i = 0; i < permissions->n; i++)
		if (!authz_may(&c->account, permissions->items[i]))
			strv_add(&beyond, permissions->items[i]);
	grant_present_list(detail, "beyond_own", &beyond);
	return detail;
}

static void create_audited(struct call *c, const char *name, const char *meaning, const struct strv *names)
{
	cJSON *detail = describe(c, names);
	struct err e;

	json_add_str(detail, "name", name);
	if (access_intent(c, detail) < 0)
		return;
	int rc = meta_role_add(c->service->meta, name, meaning, names, &e);

	if (rc == 0)
		response_problem_named(&c->response, 409, "conflict", "There is a role of this name.");
	else if (access_changed(c, rc, &e) == 0)
		answer(c, name, true);
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .required = true, .max = GRANT_NAME_MAX },
		{ .name = "meaning", .type = BODY_STRING, .max = MEANING_MAX },
		{ .name = "permissions", .type = BODY_STRINGS, .required = true, .items = GRANT_ROLES_MAX },
		{ 0 },
	};
	CLEANUP(strv_deinit) struct strv names = { 0 };
	_json_ cJSON *body = body_read(c, fields);

	if (!body)
		return;
	const char *name = body_string(body, "name"), *meaning = body_string(body, "meaning");

	body_strings(body, "permissions", &names);
	if (!*name || name[strspn(name, NAME_CHARACTERS)])
		response_problem_at(&c->response, "name", -1, "A role's name has letters, digits and -_. of ASCII.");
	else if (check_permissions(c, &names) == 0)
		create_audited(c, name, meaning ? meaning : "", &names);
}

/* May the role be changed, and by this account? */
static int check_mine(struct call *c, const struct role *r)
{
	CLEANUP(strv_deinit) struct strv own = { 0 };
	char tag[ETAG_SIZE];
	struct err e;

	etag_of_version(tag, r->version);
	if (etag_check(c, tag) < 0)
		return -1;
	if (!r->custom) {
		response_problem_named(&c->response, 409, "read-only", "This role comes with the program and can't be changed.");
		return -1;
	}
	if (meta_account_roles(c->service->meta, c->account.id, &own, &e) < 0)
		return access_failed(c, &e);
	return strv_has(&own, r->name) ? grant_refuse_own(c, "A role that one has") : 0;
}

static void patch(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "meaning", .type = BODY_STRING, .max = MEANING_MAX },
		{ .name = "permissions", .type = BODY_STRINGS, .items = GRANT_ROLES_MAX },
		{ 0 },
	};
	CLEANUP(strv_deinit) struct strv names = { 0 };
	CLEANUP(role_deinit) struct role r = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body)
		return;
	bool given = body_strings(body, "permissions", &names);
	const char *meaning = body_string(body, "meaning");

	if (check_permissions(c, &names) < 0 || begin(c, given ? describe(c, &names) : cJSON_CreateObject(), &r) < 0 ||
		check_mine(c, &r) < 0)
		return;
	int rc = meta_role_change(c->service->meta, r.name, r.version, meaning ? meaning : r.meaning,
		given ? &names : &r.permissions, &e);

	if (access_changed(c, rc, &e) == 0)
		answer(c, r.name, false);
}

static void remove_role(struct call *c)
{
	CLEANUP(role_deinit) struct role r = { 0 };
	struct err e;

	if (begin(c, cJSON_CreateObject(), &r) < 0 || check_mine(c, &r) < 0)
		return;
	int rc = meta_role_remove(c->service->meta, r.name, r.version, &e);

	if (rc == 0 && r.accounts)
		response_problem_named(&c->response, 409, "in-use", "Accounts have this role.");
	else if (access_changed(c, rc, &e) == 0)
		response_empty(&c->response, 204);
}

/* ---- the table ---- */

#define ROLES ROUTE_V1 "/roles"
#define MANAGED .permission = "USER_MANAGE", .fresh = true

const struct route role_routes[] = {
	{ .method = METHOD_GET, .pattern = ROLES "/", .action = "role.list", .parameters = list_parameters, .handle = list,
		MANAGED },
	{ .method = METHOD_POST, .pattern = ROLES "/", .action = "role.create", .body_max = ROUTE_BODY_JSON,
		.handle = create, MANAGED },
	{ .method = METHOD_GET, .pattern = ROLES "/{name}/", .action = "role.read", .handle = get, MANAGED },
	{ .method = METHOD_PATCH, .pattern = ROLES "/{name}/", .action = "role.change", .body_max = ROUTE_BODY_JSON,
		.handle = patch, MANAGED },
	{ .method = METHOD_DELETE, .pattern = ROLES "/{name}/", .action = "role.remove", .handle = remove_role, MANAGED },
	{ 0 },
};
