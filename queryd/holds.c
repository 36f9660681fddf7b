#include "queryd/holds.h"

#include "base/clock.h"
#include "meta/catalog.h"
#include "meta/hold.h"
#include "meta/upkeep.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/body.h"
#include "queryd/grant.h"
#include "queryd/list.h"
#include "queryd/present.h"

#include <string.h>

#define NAME_MAX_BYTES 255
#define REASON_MAX 4000
#define MESSAGES_MAX 1000
#define CUSTODIANS_MAX 1000
#define AT_ONCE 100

/* By enum hold_kind: how a request says what is held, too. */
static const char *const kinds[] = { NULL, "messages", "custodians", "query" };

/* ---- telling ---- */

static cJSON *present_act(const struct hold_act *act)
{
	cJSON *j = act->at_us ? cJSON_CreateObject() : cJSON_CreateNull();

	if (!act->at_us)
		return j;
	present_time(j, "at", act->at_us);
	json_add_u64(j, "by", act->account_id);
	json_add_str(j, "reason", act->reason);
	return j;
}

static cJSON *present(const struct hold *h)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &h->id);
	json_add_str(j, "name", h->name);
	json_add_str(j, "kind", kinds[h->kind]);
	json_add_str(j, "query", h->kind == HOLD_QUERY ? h->query : NULL);
	json_add_item(j, "scope", cJSON_Parse(h->scope));
	json_add_bool(j, "standing", h->standing);
	json_add_item(j, "placed", present_act(&h->placed));
	json_add_item(j, "lifted", present_act(&h->lifted));
	return j;
}

/* How far workerd is: of the hold, or where it is lifted of that. -1: the response is set. */
static int add_progress(struct call *c, cJSON *j, const struct hold *h)
{
	bool lifted = h->lifted.at_us != 0;
	char id[UUID_TEXT_SIZE];
	_free_ char *name = mem_printf("%s%s", lifted ? UPKEEP_LIFT : UPKEEP_HOLD, uuid_format(id, &h->id));
	struct upkeep_walk w = { .name = name };
	struct err e;

	if (meta_upkeep_walk(c->service->meta, name, &w, &e) < 0)
		return access_failed(c, &e);
	free(w.mailbox);
	cJSON *p = cJSON_CreateObject();

	json_add_str(p, "state", lifted ? (w.finished_us ? "lifted" : "lifting") : (w.finished_us ? "placed" : "placing"));
	json_add_u64(p, "messages", w.changed);
	json_add_item(j, "progress", p);
	return 0;
}

static void answer(struct call *c, const struct hold *h, bool created)
{
	char id[UUID_TEXT_SIZE];
	_free_ char *location = mem_printf(ROUTE_V1 "/holds/%s/", uuid_format(id, &h->id));
	cJSON *j = present(h);

	if (add_progress(c, j, h) < 0)
		cJSON_Delete(j);
	else if (created)
		response_created(&c->response, location, j);
	else
		response_json(&c->response, j);
}

static bool may_see(const struct call *c, const struct hold *h)
{
	struct err e;

	return h->placed.account_id == c->account.id || authz_covers(&c->account, h->scope, &e) > 0;
}

int holds_visible(struct call *c, const struct uuid *id, struct err *e)
{
	CLEANUP(hold_deinit) struct hold h = { 0 };
	int found = meta_hold_get(c->service->meta, id, &h, e);

	return found > 0 ? may_see(c, &h) : found;
}

struct listing {
	cJSON *items;
	size_t n, limit;
	struct uuid last; /* that was given */
	bool more;
};

/* Adds those of a few holds that may be seen. */
static void take(struct call *c, struct listing *l, const struct holds *some)
{
	for (size_t i = 0; i < some->n && !l->more; i++) {
		if (!may_see(c, &some->items[i]))
			continue;
		l->more = l->n == l->limit;
		if (l->more)
			break;
		cJSON_AddItemToArray(l->items, present(&some->items[i]));
		l->last = some->items[i].id;
		l->n++;
	}
}

static int list_behind(struct call *c, struct listing *l, struct uuid after, struct err *e)
{
	size_t n;

	do {
		CLEANUP(holds_deinit) struct holds some = { 0 };

		if (meta_hold_list(c->service->meta, &after, AT_ONCE, &some, e))
			return -1;
		take(c, l, &some);
		n = some.n;
		if (n)
			after = some.items[n - 1].id;
	} while (n == AT_ONCE && !l->more);
	return 0;
}

static void list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	char next[UUID_TEXT_SIZE];
	struct uuid after;
	struct err e;

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &after) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	struct listing listing = { .items = cJSON_CreateArray(), .limit = l.limit };

	if (list_behind(c, &listing, after, &e) < 0) {
		cJSON_Delete(listing.items);
		access_failed(c, &e);
	} else {
		list_answer(c, listing.items, listing.more ? uuid_format(next, &listing.last) : NULL);
	}
}

/* The hold that the path names, after the intent with this detail, which it frees. -1: the response is set. */
static int find(struct call *c, cJSON *detail, struct hold *h_r)
{
	struct uuid id;
	struct err e;
	int found = uuid_parse(&id, c->parameters[0]) < 0 ? 0 : meta_hold_get(c->service->meta, &id, h_r, &e);

	if (access_intent(c, detail) < 0)
		return -1;
	if (found < 0)
		return access_failed(c, &e);
	return found && may_see(c, h_r) ? 0 : access_not_found(c);
}

static void get(struct call *c)
{
	CLEANUP(hold_deinit) struct hold h = { 0 };

	if (find(c, cJSON_CreateObject(), &h) == 0)
		answer(c, &h, false);
}

/* ---- placing ---- */

struct request_for_hold {
	struct strv messages, custodians;
	const char *query; /* a view of the body */
	int64_t after_us, before_us;
	struct uuid ids[MESSAGES_MAX]; /* of messages */
};

static void request_for_hold_freep(struct request_for_hold **r)
{
	if (!*r)
		return;
	strv_deinit(&(*r)->messages);
	strv_deinit(&(*r)->custodians);
	free(*r);
	*r = NULL;
}

static int refuse(struct call *c, const char *field, const char *why)
{
	response_problem_at(&c->response, field, -1, "%s", why);
	return -1;
}

static int read_time(struct call *c, const cJSON *body, const char *name, int64_t *us_r)
{
	const char *text = body_string(body, name);

	if (!text || clock_parse(us_r, text) == 0)
		return 0;
	return refuse(c, name, "This must be an RFC 3339 time such as 2026-11-22T17:31:00Z, or a day.");
}

/* What is held is said in one of three ways. */
static int read_kind(struct call *c, const cJSON *body, struct request_for_hold *r, struct hold *h)
{
	bool messages = body_strings(body, "messages", &r->messages), custodians = body_strings(body, "custodians", &r->custodians);

	r->query = body_string(body, "query");
	if (messages + custodians + (r->query != NULL) != 1)
		return refuse(c, "messages", "A hold is on messages, on custodians, or on what a query finds: one of the three.");
	h->kind = messages ? HOLD_MESSAGES : custodians ? HOLD_CUSTODIANS : HOLD_QUERY;
	if (messages && (r->messages.n == 0 || body_string(body, "after") || body_string(body, "before")))
		return refuse(c, "messages", "A hold on messages names some, and no times.");
	if (custodians && r->custodians.n == 0)
		return refuse(c, "custodians", "A hold on custodians names some.");
	h->standing = body_boolean(body, "standing", !messages);
	if (messages && h->standing)
		return refuse(c, "standing", "Messages that are there have no later ones: such a hold can't be standing.");
	if (read_time(c, body, "after", &r->after_us) < 0 || read_time(c, body, "before", &r->before_us) < 0)
		return -1;
	return r->after_us < r->before_us ? 0 : refuse(c, "after", "The times leave nothing to be held.");
}

static int check_query(struct call *c, const char *text)
{
	struct query_error error;
	struct query *q = NULL;

	if (text && query_parse(&q, text, &error) < 0) {
		response_problem_at(&c->response, "query", (int64_t)error.position, "%s", error.text);
		return -1;
	}
	query_freep(&q);
	return 0;
}

static int check_custodians(struct call *c, const struct request_for_hold *r)
{
	for (size_t i = 0; i < r->custodians.n; i++)
		if (!grant_mailbox_good(r->custodians.items[i]) || !authz_covers_mailbox(&c->account, r->custodians.items[i])) {
			response_problem_at(&c->response, "custodians", -1, "\"%s\" is no mailbox that this account may see.",
				r->custodians.items[i]);
			return -1;
		}
	return 0;
}

/* After the intent: a message outside the scope is one that does not exist. */
static int check_messages(struct call *c, struct request_for_hold *r)
{
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);

	for (size_t i = 0; i < r->messages.n; i++) {
		struct err e;
		int there = uuid_parse(&r->ids[i], r->messages.items[i]) < 0 ? 0 :
			meta_message_in_scope(c->service->meta, scope, &r->ids[i], &e);

		if (there < 0)
			return access_failed(c, &e);
		if (!there) {
			response_problem_at(&c->response, "messages", -1, "There is no message %s.", r->messages.items[i]);
			return -1;
		}
	}
	return 0;
}

static void place(struct call *c, struct request_for_hold *r, struct hold *h)
{
	struct err e;

	h->scope = authz_hold_scope(&c->account, h->kind == HOLD_CUSTODIANS ? &r->custodians : NULL, r->after_us, r->before_us);
	h->query = mem_strdup(r->query ? r->query : "");
	cJSON *detail = present(h);

	grant_present_list(detail, "messages", &r->messages);
	if (access_intent(c, detail) < 0 || check_messages(c, r) < 0)
		return;
	if (meta_hold_place(c->service->meta, h, r->ids, r->messages.n, &e))
		access_failed(c, &e);
	else
		answer(c, h, true);
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .required = true, .max = NAME_MAX_BYTES },
		{ .name = "reason", .type = BODY_STRING, .required = true, .max = REASON_MAX },
		{ .name = "messages", .type = BODY_STRINGS, .max = UUID_TEXT_SIZE, .items = MESSAGES_MAX },
		{ .name = "custodians", .type = BODY_STRINGS, .max = GRANT_MAILBOX_MAX, .items = CUSTODIANS_MAX },
		{ .name = "query", .type = BODY_STRING },
		{ .name = "after", .type = BODY_STRING },
		{ .name = "before", .type = BODY_STRING },
		{ .name = "standing", .type = BODY_BOOLEAN },
		{ 0 },
	};
	CLEANUP(request_for_hold_freep) struct request_for_hold *r = MEM_NEW(struct request_for_hold);
	CLEANUP(hold_deinit) struct hold h = { .id = uuid_new(clock_now_us()), .placed = { .at_us = clock_now_us() } };
	_json_ cJSON *body = body_read(c, fields);

	if (!body)
		return;
	r->after_us = INT64_MIN;
	r->before_us = INT64_MAX;
	h.name = mem_strdup(body_string(body, "name"));
	h.placed.account_id = c->account.id;
	h.placed.reason = mem_strdup(body_string(body, "reason"));
	if (!*h.name)
		refuse(c, "name", "A hold has a name.");
	else if (!*h.placed.reason)
		refuse(c, "reason", "A hold has a reason.");
	else if (read_kind(c, body, r, &h) == 0 && check_query(c, r->query) == 0 && check_custodians(c, r) == 0)
		place(c, r, &h);
}

/* ---- lifting ---- */

static void lift(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "reason", .type = BODY_STRING, .required = true, .max = REASON_MAX },
		{ 0 },
	};
	CLEANUP(hold_deinit) struct hold h = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body)
		return;
	const char *reason = body_string(body, "reason");

	if (!*reason) {
		refuse(c, "reason", "A hold is lifted for a reason.");
		return;
	}
	cJSON *detail = cJSON_CreateObject();

	json_add_str(detail, "reason", reason);
	if (find(c, detail, &h) < 0)
		return;
	const struct hold_act act = { clock_now_us(), c->account.id, (char *)(uintptr_t)reason };
	int rc = h.lifted.at_us ? 0 : meta_hold_lift(c->service->meta, &h.id, &act, &e);

	if (rc == 0) {
		response_problem_named(&c->response, 409, "conflict", "This hold is lifted already.");
	} else if (rc < 0) {
		access_failed(c, &e);
	} else {
		free(h.lifted.reason);
		h.lifted = act;
		h.lifted.reason = mem_strdup(reason);
		answer(c, &h, false);
	}
}

/* ---- the table ---- */

#define HOLDS ROUTE_V1 "/holds"
#define MANAGED .permission = "HOLD_MANAGE", .fresh = true

const struct route hold_routes[] = {
	{ .method = METHOD_GET, .pattern = HOLDS "/", .action = "hold.list", .parameters = list_parameters, .handle = list,
		MANAGED },
	{ .method = METHOD_POST, .pattern = HOLDS "/", .action = "hold.place", .body_max = ROUTE_BODY_JSON, .handle = create,
		MANAGED },
	{ .method = METHOD_GET, .pattern = HOLDS "/{id}/", .action = "hold.read", .handle = get, MANAGED },
	{ .method = METHOD_POST, .pattern = HOLDS "/{id}/lift", .action = "hold.lift", .body_max = ROUTE_BODY_JSON,
		.handle = lift, MANAGED },
	{ 0 },
};
