#include "queryd/holds.h"

#include "base/clock.h"
#include "meta/case.h"
#include "meta/catalog.h"
#include "meta/hold.h"
#include "meta/upkeep.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/body.h"
#include "queryd/cases.h"
#include "queryd/grant.h"
#include "queryd/list_seen.h"
#include "queryd/present.h"

#include <string.h>

#define NAME_MAX_BYTES 255
#define REASON_MAX 4000
#define MESSAGES_MAX 1000
#define CUSTODIANS_MAX 1000

/* By enum hold_kind: how a request says what is held, too. */
static const char *const kinds[] = { NULL, "messages", "custodians", "query" };

/* ---- telling ---- */

cJSON *holds_present(const struct hold *h)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &h->id);
	if (h->has_case)
		present_id(j, "case", &h->case_id);
	else
		json_add_str(j, "case", NULL);
	json_add_str(j, "name", h->name);
	json_add_str(j, "kind", kinds[h->kind]);
	json_add_str(j, "query", h->kind == HOLD_QUERY ? h->query : NULL);
	json_add_item(j, "scope", cJSON_Parse(h->scope));
	json_add_bool(j, "standing", h->standing);
	present_act(j, "placed", &h->placed);
	present_act(j, "lifted", &h->lifted);
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
	cJSON *j = holds_present(h);

	if (add_progress(c, j, h) < 0)
		cJSON_Delete(j);
	else if (created)
		response_created(&c->response, location, j);
	else
		response_json(&c->response, j);
}

/* 1, 0, -1. */
static int is_member(struct call *c, const struct uuid *case_id, struct err *e)
{
	CLEANUP(legal_case_deinit) struct legal_case k = { 0 };

	return meta_case_get(c->service->meta, case_id, c->account.id, &k, e);
}

/* Who placed it, who may see all that it can be on, and the members of its case. */
static bool may_see(struct call *c, const struct hold *h)
{
	struct err e;

	return h->placed.account_id == c->account.id || authz_covers(&c->account, h->scope, &e) > 0 ||
		(h->has_case && is_member(c, &h->case_id, &e) > 0);
}

int holds_visible(struct call *c, const struct uuid *id, struct err *e)
{
	CLEANUP(hold_deinit) struct hold h = { 0 };
	int found = meta_hold_get(c->service->meta, id, &h, e);

	return found > 0 ? may_see(c, &h) : found;
}

static ssize_t list_some(struct call *c, struct list_seen *l, struct uuid *after, struct err *e)
{
	CLEANUP(holds_deinit) struct holds some = { 0 };

	if (meta_hold_list(c->service->meta, after, LIST_SEEN_AT_ONCE, &some, e))
		return -1;
	for (size_t i = 0; i < some.n && !l->more; i++)
		if (may_see(c, &some.items[i]) && list_seen_room(l, &some.items[i].id))
			cJSON_AddItemToArray(l->items, holds_present(&some.items[i]));
	if (some.n)
		*after = some.items[some.n - 1].id;
	return (ssize_t)some.n;
}

static void list(struct call *c)
{
	list_seen_answer(c, list_some);
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

static int read_case(struct call *c, const cJSON *body, struct hold *h)
{
	const char *text = body_string(body, "case");

	h->has_case = text != NULL;
	return text ? cases_named(c, text, &h->case_id) : 0;
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

/* Who placed a hold that can be on nothing would take for safe what is not. */
static int take_scope(struct call *c, const struct request_for_hold *r, struct hold *h)
{
	h->scope = authz_hold_scope(&c->account, r->custodians.n ? &r->custodians : NULL, r->after_us, r->before_us);
	return h->scope ? 0 : refuse(c, kinds[h->kind], "The scope of this account leaves nothing for this hold to be on.");
}

/* Who tried to hold what he may not see is on record. */
static void refused(struct call *c, const struct request_for_hold *r)
{
	cJSON *detail = cJSON_CreateObject();

	json_add_str(detail, "query", r->query);
	grant_present_list(detail, "custodians", &r->custodians);
	if (access_intent(c, detail) < 0)
		log_warn(&c->log, "a hold that was refused is not on record");
}

/* Why a message can't be held. */
static int refuse_message(struct call *c, const struct scope *scope, const struct uuid *id, const char *text)
{
	struct disposed d;
	struct err e;
	int disposed = meta_message_disposed(c->service->meta, scope, id, &d, &e);

	if (disposed < 0)
		return access_failed(c, &e);
	response_problem_at(&c->response, "messages", -1, disposed ? "The message %s was disposed of: it can't be held any more." :
		"There is no message %s.", text);
	return -1;
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
		if (!there)
			return refuse_message(c, scope, &r->ids[i], r->messages.items[i]);
	}
	return 0;
}

/* Since it is in force nothing of it is disposed of; between the look at the messages and then one may have been. -1: the response is
 * set. */
static int look_again(struct call *c, const struct request_for_hold *r, const struct hold *h)
{
	_free_ struct disposed *disposed = MEM_ARRAY(struct disposed, r->messages.n);
	char id[UUID_TEXT_SIZE];
	struct err e;

	if (meta_disposed_of(c->service->meta, r->ids, r->messages.n, disposed, &e))
		return access_failed(c, &e);
	for (size_t i = 0; i < r->messages.n; i++) {
		if (!disposed[i].at_us)
			continue;
		response_problem_named(&c->response, 409, "disposed",
			"The message %s was disposed of while the hold was being placed. The hold %s is on the others.", r->messages.items[i],
			uuid_format(id, &h->id));
		return -1;
	}
	return 0;
}

static void place(struct call *c, struct request_for_hold *r, struct hold *h)
{
	struct err e;

	if (check_custodians(c, r) < 0 || take_scope(c, r, h) < 0) {
		refused(c, r);
		return;
	}
	h->query = mem_strdup(r->query ? r->query : "");
	cJSON *detail = holds_present(h);

	grant_present_list(detail, "messages", &r->messages);
	if (access_intent(c, detail) < 0 || check_messages(c, r) < 0)
		return;
	if (meta_hold_place(c->service->meta, h, r->ids, r->messages.n, &e))
		access_failed(c, &e);
	else if (look_again(c, r, h) == 0)
		answer(c, h, true);
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .required = true, .max = NAME_MAX_BYTES },
		{ .name = "reason", .type = BODY_STRING, .required = true, .max = REASON_MAX },
		{ .name = "case", .type = BODY_STRING, .max = UUID_TEXT_SIZE },
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
	else if (read_kind(c, body, r, &h) == 0 && read_case(c, body, &h) == 0 && check_query(c, r->query) == 0)
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
