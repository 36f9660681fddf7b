#include "queryd/departments.h"

#include "meta/department.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/etag.h"
#include "queryd/grant.h"
#include "queryd/list.h"

#include <string.h>

/* ---- telling ---- */

static cJSON *present(const struct department *d)
{
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "name", d->name);
	json_add_u64(j, "mailbox_count", d->mailboxes);
	json_add_u64(j, "accounts", d->accounts);
	return j;
}

static void list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	struct department *departments = NULL;
	struct err e;
	size_t n;

	if (list_read(c, &l) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_department_list(c->service->meta, l.after, l.limit + 1, &departments, &n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > l.limit ? l.limit : n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, present(&departments[i]));
	list_answer(c, items, n > given ? departments[given - 1].name : NULL);
	department_list_free(departments, n);
}

/* Looks for the department, after the intent with this detail: 1, 0 with a 404 set, -1 with the response set. */
static int begin(struct call *c, cJSON *detail, struct department *d_r)
{
	struct err e;
	int found = meta_department_get(c->service->meta, c->parameters[0], d_r, &e);

	if (access_intent(c, detail) < 0)
		return -1;
	if (found < 0)
		access_failed(c, &e);
	else if (!found)
		access_not_found(c);
	return found;
}

static void answer(struct call *c, bool created)
{
	CLEANUP(department_deinit) struct department d = { 0 };
	char tag[ETAG_SIZE];
	struct err e;
	int found = meta_department_get(c->service->meta, c->parameters[0], &d, &e);

	if (found < 0) {
		access_failed(c, &e);
		return;
	}
	response_json(&c->response, present(&d));
	if (created)
		c->response.status = 201;
	etag_of_version(tag, d.version);
	etag_answer(c, tag);
}

static void get(struct call *c)
{
	CLEANUP(department_deinit) struct department d = { 0 };

	if (begin(c, cJSON_CreateObject(), &d) == 1)
		answer(c, false);
}

static void list_mailboxes(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	struct err e;

	if (list_read(c, &l) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	int found = meta_department_page(c->service->meta, c->parameters[0], l.after, l.limit + 1, &mailboxes, &e);

	if (found < 0) {
		access_failed(c, &e);
		return;
	}
	if (!found) {
		access_not_found(c);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = mailboxes.n > l.limit ? l.limit : mailboxes.n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, cJSON_CreateString(mailboxes.items[i]));
	list_answer(c, items, mailboxes.n > given ? mailboxes.items[given - 1] : NULL);
}

/* ---- changing ---- */

int departments_check(struct call *c, const char *field, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		CLEANUP(department_deinit) struct department d = { 0 };
		struct err e;
		int found = meta_department_get(c->service->meta, names->items[i], &d, &e);

		if (found < 0)
			return access_failed(c, &e);
		if (!found) {
			response_problem_at(&c->response, field, -1, "There is no department \"%s\".", names->items[i]);
			return -1;
		}
	}
	return 0;
}

int departments_check_own(struct call *c, const struct strv *names)
{
	CLEANUP(user_deinit) struct user own = { 0 };
	struct err e;

	if (c->account.scope_all)
		return 0;
	if (meta_user_get(c->service->meta, c->account.id, &own, &e) < 1)
		return access_failed(c, &e);
	for (size_t i = 0; i < names->n; i++)
		if (strv_has(&own.departments, names->items[i]))
			return grant_refuse_own(c, "A department in one's own scope");
	return 0;
}

static int check_own(struct call *c)
{
	CLEANUP(strv_deinit) struct strv name = { 0 };

	strv_add(&name, c->parameters[0]);
	return departments_check_own(c, &name);
}

static int check_name(struct call *c)
{
	const char *name = c->parameters[0];
	size_t n = strlen(name);

	if (n && n <= GRANT_DEPARTMENT_MAX && *name != ' ' && name[n - 1] != ' ')
		return 0;
	response_problem_at(&c->response, "name", -1, "A department's name has 1 to %d bytes, no blank first or last.",
		GRANT_DEPARTMENT_MAX);
	return -1;
}

static int check_mailboxes(struct call *c, const struct strv *mailboxes)
{
	for (size_t i = 0; i < mailboxes->n; i++)
		if (!grant_mailbox_good(mailboxes->items[i])) {
			response_problem_at(&c->response, "mailboxes", -1, "\"%s\" is no mailbox.", mailboxes->items[i]);
			return -1;
		}
	return 0;
}

static int check_version(struct call *c, const struct department *d)
{
	char tag[ETAG_SIZE];

	etag_of_version(tag, d->version);
	return etag_check(c, tag);
}

/* found: is there such a department already? */
static void put_audited(struct call *c, const struct department *d, bool found, const struct strv *mailboxes)
{
	struct err e;
	int rc;

	if (check_own(c) < 0 || (found && check_version(c, d) < 0))
		return;
	if (!found && c->request->if_match) {
		response_problem_named(&c->response, 412, "stale", "There is no such department to be changed.");
		return;
	}
	if (found)
		rc = meta_department_replace(c->service->meta, d->name, d->version, mailboxes, &e);
	else
		rc = meta_department_change(c->service->meta, c->parameters[0], DEPARTMENT_SET, mailboxes, &e) < 0 ? -1 : 1;
	if (access_changed(c, rc, &e) == 0)
		answer(c, !found);
}

static void put(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "mailboxes", .type = BODY_STRINGS, .required = true, .max = GRANT_MAILBOX_MAX,
			.items = GRANT_MAILBOXES_MAX },
		{ 0 },
	};
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	CLEANUP(department_deinit) struct department d = { 0 };
	_json_ cJSON *body = body_read(c, fields);

	if (!body || check_name(c) < 0)
		return;
	body_strings(body, "mailboxes", &mailboxes);
	if (check_mailboxes(c, &mailboxes) < 0)
		return;
	cJSON *detail = cJSON_CreateObject();

	grant_present_list(detail, "mailboxes", &mailboxes);
	int found = begin(c, detail, &d);

	if (found >= 0)
		put_audited(c, &d, found == 1, &mailboxes);
}

static void remove_department(struct call *c)
{
	CLEANUP(department_deinit) struct department d = { 0 };
	struct err e;

	if (begin(c, cJSON_CreateObject(), &d) != 1 || check_version(c, &d) < 0)
		return;
	int rc = meta_department_remove(c->service->meta, d.name, d.version, &e);

	if (rc == 0 && d.accounts)
		response_problem_named(&c->response, 409, "in-use", "Accounts have this department in their scope.");
	else if (access_changed(c, rc, &e) == 0)
		response_empty(&c->response, 204);
}

static void change_mailbox(struct call *c, enum department_change change)
{
	CLEANUP(department_deinit) struct department d = { 0 };
	CLEANUP(strv_deinit) struct strv one = { 0 };
	cJSON *detail = cJSON_CreateObject();
	struct err e;

	strv_add(&one, c->parameters[1]);
	json_add_str(detail, "mailbox", c->parameters[1]);
	if (begin(c, detail, &d) != 1 || (change == DEPARTMENT_ADD && check_own(c) < 0))
		return;
	if (!grant_mailbox_good(c->parameters[1])) {
		access_not_found(c);
		return;
	}
	int rc = meta_department_change(c->service->meta, d.name, change, &one, &e);

	if (rc < 0 && e.class == ERR_PERMANENT && change == DEPARTMENT_REMOVE)
		access_not_found(c);
	else if (access_changed(c, rc < 0 ? -1 : 1, &e) == 0)
		response_empty(&c->response, 204);
}

static void add_mailbox(struct call *c)
{
	change_mailbox(c, DEPARTMENT_ADD);
}

static void remove_mailbox(struct call *c)
{
	change_mailbox(c, DEPARTMENT_REMOVE);
}

/* ---- the table ---- */

#define DEPARTMENTS ROUTE_V1 "/departments"
#define MANAGED .permission = "USER_MANAGE", .fresh = true

const struct route department_routes[] = {
	{ .method = METHOD_GET, .pattern = DEPARTMENTS "/", .action = "department.list", .parameters = list_parameters,
		.handle = list, MANAGED },
	{ .method = METHOD_GET, .pattern = DEPARTMENTS "/{name}/", .action = "department.read", .handle = get, MANAGED },
	{ .method = METHOD_PUT, .pattern = DEPARTMENTS "/{name}/", .action = "department.set", .body_max = ROUTE_BODY_JSON,
		.handle = put, MANAGED },
	{ .method = METHOD_DELETE, .pattern = DEPARTMENTS "/{name}/", .action = "department.delete",
		.handle = remove_department, MANAGED },
	{ .method = METHOD_GET, .pattern = DEPARTMENTS "/{name}/mailboxes/", .action = "department.mailboxes",
		.parameters = list_parameters, .handle = list_mailboxes, MANAGED },
	{ .method = METHOD_PUT, .pattern = DEPARTMENTS "/{name}/mailboxes/{mailbox}", .action = "department.add",
		.handle = add_mailbox, MANAGED },
	{ .method = METHOD_DELETE, .pattern = DEPARTMENTS "/{name}/mailboxes/{mailbox}", .action = "department.remove",
		.handle = remove_mailbox, MANAGED },
	{ 0 },
};
