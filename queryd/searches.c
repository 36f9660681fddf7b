#include "queryd/searches.h"

#include "base/clock.h"
#include "meta/saved_search.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/cases.h"
#include "queryd/etag.h"
#include "queryd/list.h"
#include "queryd/present.h"
#include "queryd/query.h"

#include <string.h>

#define NAME_MAX_BYTES 255

/* ---- telling ---- */

cJSON *searches_present(const struct saved_search *s)
{
	cJSON *j = cJSON_CreateObject();
	struct err e;

	present_id(j, "id", &s->id);
	json_add_str(j, "name", s->name);
	if (s->has_case)
		present_id(j, "case", &s->case_id);
	else
		json_add_str(j, "case", NULL);
	json_add_item(j, "request", json_parse(s->request, strlen(s->request), &e));
	present_time(j, "created_at", s->created_us);
	present_time(j, "changed_at", s->changed_us);
	return j;
}

static void list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	struct saved_search *found;
	char next[UUID_TEXT_SIZE];
	struct uuid after;
	struct err e;
	size_t n;

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &after) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_saved_search_list(c->service->meta, c->account.id, &after, l.limit + 1, &found, &n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > l.limit ? l.limit : n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, searches_present(&found[i]));
	list_answer(c, items, n > given ? uuid_format(next, &found[given - 1].id) : NULL);
	saved_search_list_free(found, n);
}

/* The one that the path names, after the intent with this detail (which it frees). 0, or -1 with the response set. */
static int find(struct call *c, cJSON *detail, struct saved_search *s_r)
{
	struct uuid id;
	struct err e;

	if (access_intent(c, detail) < 0)
		return -1;
	if (uuid_parse(&id, c->parameters[0]) < 0)
		return access_not_found(c);
	int found = meta_saved_search_get(c->service->meta, c->account.id, &id, s_r, &e);

	if (found < 0)
		return access_failed(c, &e);
	return found ? 0 : access_not_found(c);
}

static void answer(struct call *c, const struct saved_search *s, bool created)
{
	char tag[ETAG_SIZE], id[UUID_TEXT_SIZE];
	_free_ char *location = mem_printf(ROUTE_V1 "/searches/%s/", uuid_format(id, &s->id));

	if (created)
		response_created(&c->response, location, searches_present(s));
	else
		response_json(&c->response, searches_present(s));
	etag_of_version(tag, s->version);
	etag_answer(c, tag);
}

static void get(struct call *c)
{
	CLEANUP(saved_search_deinit) struct saved_search s = { 0 };

	if (find(c, cJSON_CreateObject(), &s) == 0)
		answer(c, &s, false);
}

/* ---- changing ---- */

static int refuse(struct call *c, const char *field, const char *why)
{
	response_problem_at(&c->response, field, -1, "%s", why);
	return -1;
}

/* What the body says replaces what s has; what is absent stays. */
static int take(struct call *c, const cJSON *body, struct saved_search *s)
{
	const cJSON *request = cJSON_GetObjectItemCaseSensitive(body, "request");
	const char *name = body_string(body, "name"), *case_id = body_string(body, "case");

	if (name && !*name)
		return refuse(c, "name", "A saved search has a name.");
	if (case_id && cases_named(c, case_id, &s->case_id) < 0)
		return -1;
	if (cJSON_IsObject(request)) {
		if (search_request_check(c, request) < 0)
			return -1;
		free(s->request);
		s->request = json_print(request);
	}
	if (name) {
		free(s->name);
		s->name = mem_strdup(name);
	}
	s->has_case = case_id || (s->has_case && !body_is_null(body, "case"));
	return 0;
}

static void add(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .required = true, .max = NAME_MAX_BYTES },
		{ .name = "case", .type = BODY_STRING },
		{ .name = "request", .type = BODY_OBJECT, .required = true },
		{ 0 },
	};
	CLEANUP(saved_search_deinit) struct saved_search s = { .account_id = c->account.id, .version = 1 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body || take(c, body, &s) < 0 || access_intent(c, cJSON_Duplicate(body, true)) < 0)
		return;
	s.created_us = s.changed_us = clock_now_us();
	s.id = uuid_new(s.created_us);
	int rc = meta_saved_search_add(c->service->meta, &s, &e);

	if (rc < 0)
		access_failed(c, &e);
	else if (!rc)
		response_problem(&c->response, 409, "An account may keep %d searches: remove one first.", SAVED_SEARCHES_MAX);
	else
		answer(c, &s, true);
}

/* Is s the version that the client means? */
static int check_version(struct call *c, const struct saved_search *s)
{
	char tag[ETAG_SIZE];

	etag_of_version(tag, s->version);
	return etag_check(c, tag);
}

static void change(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .max = NAME_MAX_BYTES },
		{ .name = "case", .type = BODY_STRING },
		{ .name = "request", .type = BODY_OBJECT },
		{ 0 },
	};
	CLEANUP(saved_search_deinit) struct saved_search s = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	/* A version is looked at only where the request would else have been taken (RFC 9110, 13.2.1). */
	if (!body || find(c, cJSON_Duplicate(body, true), &s) < 0 || take(c, body, &s) < 0 || check_version(c, &s) < 0)
		return;
	s.changed_us = clock_now_us();
	if (access_changed(c, meta_saved_search_change(c->service->meta, &s, &e), &e) < 0)
		return;
	s.version++;
	answer(c, &s, false);
}

static void remove_search(struct call *c)
{
	CLEANUP(saved_search_deinit) struct saved_search s = { 0 };
	struct err e;

	if (find(c, cJSON_CreateObject(), &s) < 0 || check_version(c, &s) < 0)
		return;
	if (access_changed(c, meta_saved_search_remove(c->service->meta, c->account.id, &s.id, s.version, &e), &e) == 0)
		response_empty(&c->response, 204);
}

#define SEARCHES ROUTE_V1 "/searches/"
#define ONE SEARCHES "{id}/"

const struct route searches_routes[] = {
	{ .method = METHOD_GET,
		.pattern = SEARCHES,
		.permission = "ARCHIVE_SEARCH",
		.action = "saved-search.list",
		.fresh = true,
		.parameters = list_parameters,
		.handle = list },
	{ .method = METHOD_POST,
		.pattern = SEARCHES,
		.permission = "ARCHIVE_SEARCH",
		.action = "saved-search.add",
		.fresh = true,
		.body_max = ROUTE_BODY_JSON,
		.handle = add },
	{ .method = METHOD_GET,
		.pattern = ONE,
		.permission = "ARCHIVE_SEARCH",
		.action = "saved-search.read",
		.fresh = true,
		.handle = get },
	{ .method = METHOD_PATCH,
		.pattern = ONE,
		.permission = "ARCHIVE_SEARCH",
		.action = "saved-search.change",
		.fresh = true,
		.body_max = ROUTE_BODY_JSON,
		.handle = change },
	{ .method = METHOD_DELETE,
		.pattern = ONE,
		.permission = "ARCHIVE_SEARCH",
		.action = "saved-search.remove",
		.fresh = true,
		.handle = remove_search },
	{ 0 },
};
