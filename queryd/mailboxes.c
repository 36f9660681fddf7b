#include "mail/address.h"
#include "meta/department.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/departments.h"
#include "queryd/etag.h"
#include "queryd/grant.h"
#include "queryd/list.h"

#include <string.h>

static void list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	struct err e;

	if (list_read(c, &l) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_member_list(c->service->meta, l.after, l.limit + 1, &mailboxes, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = mailboxes.n > l.limit ? l.limit : mailboxes.n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, cJSON_CreateString(mailboxes.items[i]));
	list_answer(c, items, mailboxes.n > given ? mailboxes.items[given - 1] : NULL);
}

/* Its departments, after the intent with this detail. -1: the response is set. */
static int begin(struct call *c, cJSON *detail, struct strv *departments_r)
{
	struct err e;

	if (access_intent(c, detail) < 0)
		return -1;
	if (meta_member_departments(c->service->meta, c->parameters[0], departments_r, &e) < 0)
		return access_failed(c, &e);
	return 0;
}

static void answer(struct call *c, const struct strv *departments)
{
	_free_ char *normal = address_normalize(c->parameters[0]);
	cJSON *j = cJSON_CreateObject();
	char tag[ETAG_SIZE];

	json_add_str(j, "mailbox", normal);
	grant_present_list(j, "departments", departments);
	response_json(&c->response, j);
	etag_of_body(tag, &c->response);
	etag_answer(c, tag);
}

static void get(struct call *c)
{
	CLEANUP(strv_deinit) struct strv departments = { 0 };

	if (begin(c, cJSON_CreateObject(), &departments) < 0)
		return;
	if (departments.n)
		answer(c, &departments);
	else
		access_not_found(c);
}

static int read_departments(struct call *c, struct strv *names_r)
{
	static const struct body_field fields[] = {
		{ .name = "departments", .type = BODY_STRINGS, .required = true, .max = GRANT_DEPARTMENT_MAX,
			.items = GRANT_DEPARTMENTS_MAX },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);

	if (!body)
		return -1;
	body_strings(body, "departments", names_r);
	if (!names_r->n)
		response_problem_at(&c->response, "departments", -1, "A mailbox is in a department at least. DELETE takes it out.");
	else if (!grant_mailbox_good(c->parameters[0]))
		response_problem_at(&c->response, "mailbox", -1, "This is no mailbox.");
	else
		return departments_check(c, "departments", names_r);
	return -1;
}

/* Those that it was not in before. */
static void added(const struct strv *before, const struct strv *after, struct strv *added_r)
{
	for (size_t i = 0; i < after->n; i++)
		if (!strv_has(before, after->items[i]))
			strv_add(added_r, after->items[i]);
}

static void put(struct call *c)
{
	CLEANUP(strv_deinit) struct strv before = { 0 }, after = { 0 }, fresh = { 0 };
	cJSON *detail;
	struct err e;

	if (read_departments(c, &after) < 0)
		return;
	strv_sort(&after);
	detail = cJSON_CreateObject();
	grant_present_list(detail, "departments", &after);
	if (begin(c, detail, &before) < 0)
		return;
	added(&before, &after, &fresh);
	if (departments_check_own(c, &fresh) < 0)
		return;
	int rc = meta_member_set(c->service->meta, c->parameters[0], &after, &e) < 0 ? -1 : 1;

	if (access_changed(c, rc, &e) == 0)
		answer(c, &after);
}

static void remove_mailbox(struct call *c)
{
	CLEANUP(strv_deinit) struct strv before = { 0 }, none = { 0 };
	struct err e;

	if (begin(c, cJSON_CreateObject(), &before) < 0)
		return;
	if (!before.n) {
		access_not_found(c);
		return;
	}
	int rc = meta_member_set(c->service->meta, c->parameters[0], &none, &e) < 0 ? -1 : 1;

	if (access_changed(c, rc, &e) == 0)
		response_empty(&c->response, 204);
}

#define MAILBOXES ROUTE_V1 "/mailboxes"
#define MANAGED .permission = "USER_MANAGE", .fresh = true

const struct route mailbox_routes[] = {
	{ .method = METHOD_GET, .pattern = MAILBOXES "/", .action = "mailbox.list", .parameters = list_parameters,
		.handle = list, MANAGED },
	{ .method = METHOD_GET, .pattern = MAILBOXES "/{mailbox}/", .action = "mailbox.read", .handle = get, MANAGED },
	{ .method = METHOD_PUT, .pattern = MAILBOXES "/{mailbox}/", .action = "mailbox.set", .body_max = ROUTE_BODY_JSON,
		.handle = put, MANAGED },
	{ .method = METHOD_DELETE, .pattern = MAILBOXES "/{mailbox}/", .action = "mailbox.remove", .handle = remove_mailbox,
		MANAGED },
	{ 0 },
};
