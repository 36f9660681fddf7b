#include "queryd/cases.h"

#include "base/clock.h"
#include "base/str.h"
#include "meta/case.h"
#include "meta/catalog.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/body.h"
#include "queryd/list.h"
#include "queryd/present.h"

#include <string.h>

#define NAME_MAX_BYTES 255
#define TEXT_MAX 20000
#define REASON_MAX 4000
#define TAG_MAX 64

/* ---- telling ---- */

static cJSON *present(const struct legal_case *k)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &k->id);
	json_add_str(j, "name", k->name);
	json_add_str(j, "description", k->description);
	present_act(j, "opened", &k->opened);
	present_act(j, "closed", &k->closed);
	return j;
}

/* With its members. */
static void answer(struct call *c, const struct legal_case *k, bool created)
{
	_free_ uint64_t *ids = NULL;
	char id[UUID_TEXT_SIZE];
	struct err e;
	size_t n;

	if (meta_case_members(c->service->meta, &k->id, &ids, &n, &e)) {
		access_failed(c, &e);
		return;
	}
	_free_ char *location = mem_printf(ROUTE_V1 "/cases/%s/", uuid_format(id, &k->id));
	cJSON *j = present(k), *members = cJSON_CreateArray();

	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(members, cJSON_CreateNumber((double)ids[i]));
	json_add_item(j, "members", members);
	if (created)
		response_created(&c->response, location, j);
	else
		response_json(&c->response, j);
}

static void list(struct call *c)
{
	CLEANUP(legal_cases_deinit) struct legal_cases some = { 0 };
	CLEANUP(list_deinit) struct list l = { 0 };
	char next[UUID_TEXT_SIZE];
	struct uuid after;
	struct err e;

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &after) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_case_list(c->service->meta, c->account.id, &after, l.limit + 1, &some, &e)) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = some.n > l.limit ? l.limit : some.n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, present(&some.items[i]));
	list_answer(c, items, some.n > given ? uuid_format(next, &some.items[given - 1].id) : NULL);
}

int cases_find(struct call *c, cJSON *detail, struct legal_case *k_r)
{
	struct uuid id;
	struct err e;
	int found = uuid_parse(&id, c->parameters[0]) < 0 ? 0 : meta_case_get(c->service->meta, &id, c->account.id, k_r, &e);

	if (access_intent(c, detail) < 0)
		return -1;
	if (found < 0)
		return access_failed(c, &e);
	return found ? 0 : access_not_found(c);
}

/* The same of one that is to be added to. */
static int find_open(struct call *c, cJSON *detail, struct legal_case *k_r)
{
	if (cases_find(c, detail, k_r) < 0)
		return -1;
	if (!k_r->closed.at_us)
		return 0;
	response_problem_named(&c->response, 409, "conflict", "This case is closed.");
	return -1;
}

static void get(struct call *c)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };

	if (cases_find(c, cJSON_CreateObject(), &k) == 0)
		answer(c, &k, false);
}

/* ---- opening and closing ---- */

static int refuse(struct call *c, const char *field, const char *why)
{
	response_problem_at(&c->response, field, -1, "%s", why);
	return -1;
}

int cases_named(struct call *c, const char *text, struct uuid *id_r)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	struct err e;
	int found = uuid_parse(id_r, text) < 0 ? 0 : meta_case_get(c->service->meta, id_r, c->account.id, &k, &e);

	if (found < 0)
		return access_failed(c, &e);
	if (found && !k.closed.at_us)
		return 0;
	if (!c->audited && access_intent(c, cJSON_CreateObject()) < 0)
		return -1;
	return refuse(c, "case", found ? "This case is closed." : "There is no such case.");
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .required = true, .max = NAME_MAX_BYTES },
		{ .name = "description", .type = BODY_STRING, .max = TEXT_MAX },
		{ 0 },
	};
	CLEANUP(legal_case_deinit) struct legal_case k = { .id = uuid_new(clock_now_us()) };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body)
		return;
	const char *description = body_string(body, "description");

	k.name = mem_strdup(body_string(body, "name"));
	k.description = mem_strdup(description ? description : "");
	k.opened = (struct hold_act){ clock_now_us(), c->account.id, mem_strdup("") };
	if (!*k.name)
		refuse(c, "name", "A case has a name.");
	else if (access_intent(c, present(&k)) == 0) {
		if (meta_case_open(c->service->meta, &k, &e))
			access_failed(c, &e);
		else
			answer(c, &k, true);
	}
}

static void close_case(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "reason", .type = BODY_STRING, .required = true, .max = REASON_MAX },
		{ 0 },
	};
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body || find_open(c, cJSON_Duplicate(body, true), &k) < 0)
		return;
	free(k.closed.reason);
	k.closed = (struct hold_act){ clock_now_us(), c->account.id, mem_strdup(body_string(body, "reason")) };
	int rc = meta_case_close(c->service->meta, &k.id, &k.closed, &e);

	if (access_changed(c, rc, &e) == 0)
		answer(c, &k, false);
}

/* ---- members ---- */

/* The account that the path names, as a detail for the audit too. */
static cJSON *member(const struct call *c, uint64_t *account_id_r)
{
	cJSON *detail = cJSON_CreateObject();

	if (str_parse_u64(account_id_r, c->parameters[1], INT32_MAX) < 0)
		*account_id_r = 0;
	json_add_str(detail, "member", c->parameters[1]);
	return detail;
}

static void change_member(struct call *c, int (*change)(struct meta *, const struct uuid *, uint64_t, struct err *),
	const char *otherwise)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	uint64_t account_id;
	struct err e;

	if (find_open(c, member(c, &account_id), &k) < 0)
		return;
	int rc = change(c->service->meta, &k.id, account_id, &e);

	if (rc < 0)
		access_failed(c, &e);
	else if (rc == 0)
		response_problem_named(&c->response, 409, "conflict", "%s", otherwise);
	else
		response_empty(&c->response, 204);
}

static void admit(struct call *c)
{
	change_member(c, meta_case_admit, "There is no such account.");
}

static void dismiss(struct call *c)
{
	change_member(c, meta_case_dismiss, "This account is no member of the case, or the last one.");
}

/* ---- notes ---- */

static cJSON *present_note(const struct case_note *note)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &note->id);
	present_time(j, "at", uuid_time_us(&note->id));
	json_add_u64(j, "by", note->account_id);
	if (note->has_message)
		present_id(j, "message", &note->message_id);
	else
		json_add_str(j, "message", NULL);
	json_add_str(j, "note", note->note);
	return j;
}

/* Of what is said of messages, a member learns what is said of those that he may see. 1, 0; -1: the response is set. */
static int is_seen(struct call *c, const struct scope *scope, const struct uuid *message)
{
	struct err e;
	int seen = meta_message_in_scope(c->service->meta, scope, message, &e);

	return seen < 0 ? access_failed(c, &e) : seen;
}

/* NULL: the response is set. */
static cJSON *present_notes(struct call *c, const struct case_note *notes, size_t n)
{
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);
	cJSON *items = cJSON_CreateArray();

	for (size_t i = 0; i < n; i++) {
		int seen = notes[i].has_message ? is_seen(c, scope, &notes[i].message_id) : 1;

		if (seen < 0) {
			cJSON_Delete(items);
			return NULL;
		}
		if (seen)
			cJSON_AddItemToArray(items, present_note(&notes[i]));
	}
	return items;
}

static void list_notes(struct call *c)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	CLEANUP(case_notes_deinit) struct case_notes some = { 0 };
	CLEANUP(list_deinit) struct list l = { 0 };
	char next[UUID_TEXT_SIZE];
	struct uuid after;
	struct err e;

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &after) < 0 || cases_find(c, cJSON_CreateObject(), &k) < 0)
		return;
	if (meta_case_note_list(c->service->meta, &k.id, &after, l.limit + 1, &some, &e)) {
		access_failed(c, &e);
		return;
	}
	size_t given = some.n > l.limit ? l.limit : some.n;
	cJSON *items = present_notes(c, some.items, given);

	if (items)
		list_answer(c, items, some.n > given ? uuid_format(next, &some.items[given - 1].id) : NULL);
}

/* A message outside the scope is one that does not exist. */
static int check_message(struct call *c, const char *text, struct uuid *id_r)
{
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);
	struct err e;
	int there = uuid_parse(id_r, text) < 0 ? 0 : meta_message_in_scope(c->service->meta, scope, id_r, &e);

	if (there < 0)
		return access_failed(c, &e);
	return there ? 0 : refuse(c, "message", "There is no such message.");
}

static void add_note(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "note", .type = BODY_STRING, .required = true, .max = TEXT_MAX },
		{ .name = "message", .type = BODY_STRING, .max = UUID_TEXT_SIZE },
		{ 0 },
	};
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body || find_open(c, cJSON_Duplicate(body, true), &k) < 0)
		return;
	const char *message = body_string(body, "message");
	struct case_note note = { .id = uuid_new(clock_now_us()), .case_id = k.id, .has_message = message != NULL,
		.account_id = c->account.id, .note = (char *)(uintptr_t)body_string(body, "note") };
	char id[UUID_TEXT_SIZE];

	if (message && check_message(c, message, &note.message_id) < 0)
		return;
	_free_ char *location = mem_printf(ROUTE_V1 "/cases/%s/notes/", uuid_format(id, &k.id));

	if (meta_case_note_add(c->service->meta, &note, &e))
		access_failed(c, &e);
	else
		response_created(&c->response, location, present_note(&note));
}

/* ---- tags ---- */

static cJSON *present_tag(const struct case_tag *tag)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "message", &tag->message_id);
	json_add_str(j, "tag", tag->tag);
	present_time(j, "at", tag->at_us);
	json_add_u64(j, "by", tag->account_id);
	return j;
}

/* NULL: the response is set. */
static cJSON *present_tags(struct call *c, const struct case_tag *tags, size_t n)
{
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);
	cJSON *items = cJSON_CreateArray();
	int seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (!i || memcmp(&tags[i].message_id, &tags[i - 1].message_id, UUID_SIZE) != 0)
			seen = is_seen(c, scope, &tags[i].message_id);
		if (seen < 0) {
			cJSON_Delete(items);
			return NULL;
		}
		if (seen)
			cJSON_AddItemToArray(items, present_tag(&tags[i]));
	}
	return items;
}

/* A page goes on behind "<message> <tag>". */
static int read_place(struct call *c, const struct list *l, struct uuid *message_r, const char **tag_r)
{
	char id[UUID_TEXT_SIZE] = "";

	*message_r = (struct uuid){ 0 };
	*tag_r = "";
	if (!*l->after)
		return 0;
	if (strlen(l->after) > UUID_TEXT_SIZE) {
		memcpy(id, l->after, UUID_TEXT_SIZE - 1);
		*tag_r = l->after + UUID_TEXT_SIZE;
	}
	return uuid_parse(message_r, id) < 0 ? refuse(c, "cursor", "No such cursor was given out.") : 0;
}

static void list_tags(struct call *c)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	CLEANUP(case_tags_deinit) struct case_tags some = { 0 };
	CLEANUP(list_deinit) struct list l = { 0 };
	char id[UUID_TEXT_SIZE];
	struct uuid message;
	const char *tag;
	struct err e;

	if (list_read(c, &l) < 0 || read_place(c, &l, &message, &tag) < 0 || cases_find(c, cJSON_CreateObject(), &k) < 0)
		return;
	if (meta_case_tag_list(c->service->meta, &k.id, &message, tag, l.limit + 1, &some, &e)) {
		access_failed(c, &e);
		return;
	}
	size_t given = some.n > l.limit ? l.limit : some.n;
	_free_ char *next = NULL;
	cJSON *items = present_tags(c, some.items, given);

	if (!items)
		return;
	if (some.n > given)
		next = mem_printf("%s %s", uuid_format(id, &some.items[given - 1].message_id), some.items[given - 1].tag);
	list_answer(c, items, next);
}

static void add_tag(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "message", .type = BODY_STRING, .required = true, .max = UUID_TEXT_SIZE },
		{ .name = "tag", .type = BODY_STRING, .required = true, .max = TAG_MAX },
		{ 0 },
	};
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct case_tag tag = { .account_id = c->account.id, .at_us = clock_now_us() };
	char id[UUID_TEXT_SIZE];
	struct err e;

	if (!body)
		return;
	tag.tag = (char *)(uintptr_t)body_string(body, "tag");
	if (!*tag.tag) {
		refuse(c, "tag", "A tag has letters.");
		return;
	}
	if (find_open(c, cJSON_Duplicate(body, true), &k) < 0 || check_message(c, body_string(body, "message"), &tag.message_id) < 0)
		return;
	tag.case_id = k.id;
	_free_ char *location = mem_printf(ROUTE_V1 "/cases/%s/tags/", uuid_format(id, &k.id));

	int rc = meta_case_tag_add(c->service->meta, &tag, &e);

	if (rc < 0)
		access_failed(c, &e);
	else if (rc == 0)
		response_problem_named(&c->response, 409, "conflict", "The message has this tag.");
	else
		response_created(&c->response, location, present_tag(&tag));
}

static void remove_tag(struct call *c)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };
	const char *message = request_parameter(c->request, "message"), *tag = request_parameter(c->request, "tag");
	cJSON *detail = cJSON_CreateObject();
	struct uuid id;
	struct err e;

	json_add_str(detail, "message", message);
	json_add_str(detail, "tag", tag);
	if (find_open(c, detail, &k) < 0)
		return;
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);
	int rc = !message || !tag || uuid_parse(&id, message) < 0 ? 0 : meta_message_in_scope(c->service->meta, scope, &id, &e);

	if (rc > 0)
		rc = meta_case_tag_remove(c->service->meta, &k.id, &id, tag, &e);
	if (rc < 0)
		access_failed(c, &e);
	else if (rc == 0)
		access_not_found(c);
	else
		response_empty(&c->response, 204);
}

/* ---- the table ---- */

#define CASES ROUTE_V1 "/cases"
#define ONE CASES "/{id}"
#define MANAGED .permission = "HOLD_MANAGE", .fresh = true
#define WORKED_ON .permission = "ARCHIVE_SEARCH", .fresh = true

static const char *const tag_parameters[] = { "message", "tag", NULL };

const struct route case_routes[] = {
	{ .method = METHOD_GET, .pattern = CASES "/", .action = "case.list", .parameters = list_parameters, .handle = list,
		WORKED_ON },
	{ .method = METHOD_POST, .pattern = CASES "/", .action = "case.open", .body_max = ROUTE_BODY_JSON, .handle = create,
		MANAGED },
	{ .method = METHOD_GET, .pattern = ONE "/", .action = "case.read", .handle = get, WORKED_ON },
	{ .method = METHOD_POST, .pattern = ONE "/close", .action = "case.close", .body_max = ROUTE_BODY_JSON,
		.handle = close_case, MANAGED },
	{ .method = METHOD_PUT, .pattern = ONE "/members/{account}/", .action = "case.admit", .handle = admit, MANAGED },
	{ .method = METHOD_DELETE, .pattern = ONE "/members/{account}/", .action = "case.dismiss", .handle = dismiss, MANAGED },
	{ .method = METHOD_GET, .pattern = ONE "/notes/", .action = "case.notes", .parameters = list_parameters,
		.handle = list_notes, WORKED_ON },
	{ .method = METHOD_POST, .pattern = ONE "/notes/", .action = "case.note", .body_max = ROUTE_BODY_JSON,
		.handle = add_note, WORKED_ON },
	{ .method = METHOD_GET, .pattern = ONE "/tags/", .action = "case.tags", .parameters = list_parameters,
		.handle = list_tags, WORKED_ON },
	{ .method = METHOD_POST, .pattern = ONE "/tags/", .action = "case.tag", .body_max = ROUTE_BODY_JSON, .handle = add_tag,
		WORKED_ON },
	{ .method = METHOD_DELETE, .pattern = ONE "/tags/", .action = "case.untag", .parameters = tag_parameters,
		.handle = remove_tag, WORKED_ON },
	{ 0 },
};
