#include "queryd/dispositions.h"

#include "base/clock.h"
#include "meta/catalog.h"
#include "meta/disposed.h"
#include "meta/disposition.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/body.h"
#include "queryd/list_seen.h"
#include "queryd/present.h"
#include "queryd/query.h"

#include <string.h>

#define REASON_MAX 4000
#define LOOKED_MAX 2000 /* messages that a page looks at; what is not on it is on a later one */

static int refuse(struct call *c, const char *field, const char *why)
{
	response_problem_at(&c->response, field, -1, "%s", why);
	return -1;
}

/* ---- telling ---- */

static cJSON *present(const struct disposition *d)
{
	cJSON *j = cJSON_CreateObject();
	struct err e;

	present_id(j, "id", &d->id);
	json_add_str(j, "state", !d->decided.at_us ? "proposed" : d->approved ? "approved" : "rejected");
	json_add_item(j, "scope", json_parse(d->scope, strlen(d->scope), &e));
	present_time(j, "expired_by", d->expired_by_us);
	present_act(j, "proposed", &d->proposed);
	present_act(j, "decided", &d->decided);
	return j;
}

static void add_time(cJSON *j, const char *name, int64_t us)
{
	if (us)
		present_time(j, name, us);
	else
		cJSON_AddNullToObject(j, name);
}

/* How far strongroom-workerd has carried it out. 0, -1. */
static int add_progress(struct call *c, cJSON *j, const struct disposition *d, struct err *e)
{
	cJSON *progress = d->approved ? cJSON_CreateObject() : cJSON_CreateNull();
	uint64_t waiting = 0, refused = 0;
	struct disposal p = { 0 };

	json_add_item(j, "progress", progress);
	if (!d->approved)
		return 0;
	int begun = meta_disposal_get(c->service->meta, &d->id, &p, e);

	if (begun < 0 || (begun && meta_disposal_waiting(c->service->meta, &d->id, &waiting, &refused, e)))
		return -1;
	json_add_str(progress, "state", p.finished_us ? "done" : begun ? "at work" : "pending");
	json_add_u64(progress, "looked", p.looked);
	json_add_u64(progress, "removed", p.disposed > waiting ? p.disposed - waiting : 0);
	json_add_u64(progress, "in_store", waiting);
	json_add_u64(progress, "refused", refused);
	json_add_u64(progress, "held", p.held);
	json_add_u64(progress, "kept_longer", p.kept);
	add_time(progress, "began_at", p.began_us);
	add_time(progress, "finished_at", p.finished_us);
	return 0;
}

/* The whole of one. Caller frees; NULL: the database can't be read. */
static cJSON *present_whole(struct call *c, const struct disposition *d, struct err *e)
{
	cJSON *j = present(d);

	if (add_progress(c, j, d, e) == 0)
		return j;
	cJSON_Delete(j);
	return NULL;
}

static void answer(struct call *c, const struct disposition *d)
{
	struct err e;
	cJSON *j = present_whole(c, d, &e);

	if (j)
		response_json(&c->response, j);
	else
		access_failed(c, &e);
}

static bool may_see(const struct call *c, const struct disposition *d)
{
	struct err e;

	return d->proposed.account_id == c->account.id || authz_covers(&c->account, d->scope, &e) > 0;
}

/* ---- the list ---- */

static ssize_t list_some(struct call *c, struct list_seen *l, struct uuid *after, struct err *e)
{
	CLEANUP(dispositions_deinit) struct dispositions some = { 0 };

	if (meta_disposition_list(c->service->meta, after, LIST_SEEN_AT_ONCE, &some, e))
		return -1;
	for (size_t i = 0; i < some.n && !l->more; i++) {
		if (!may_see(c, &some.items[i]) || !list_seen_room(l, &some.items[i].id))
			continue;
		cJSON *j = present_whole(c, &some.items[i], e);

		if (!j)
			return -1;
		cJSON_AddItemToArray(l->items, j);
	}
	if (some.n)
		*after = some.items[some.n - 1].id;
	return (ssize_t)some.n;
}

static void list(struct call *c)
{
	list_seen_answer(c, list_some);
}

/* The one that the path names, after the intent with this detail, which it frees. -1: the response is set. */
static int find(struct call *c, cJSON *detail, struct disposition *d_r)
{
	struct uuid id;
	struct err e;
	int found = uuid_parse(&id, c->parameters[0]) < 0 ? 0 : meta_disposition_get(c->service->meta, &id, d_r, &e);

	if (access_intent(c, detail) < 0)
		return -1;
	if (found < 0)
		return access_failed(c, &e);
	return found && may_see(c, d_r) ? 0 : access_not_found(c);
}

static void get(struct call *c)
{
	CLEANUP(disposition_deinit) struct disposition d = { 0 };

	if (find(c, cJSON_CreateObject(), &d) == 0)
		answer(c, &d);
}

/* ---- what has expired ---- */

/* A page of messages, by id. */
struct page {
	const struct scope *scope;
	int64_t expired_by_us;
	size_t limit;
	cJSON *items;
	size_t n;
	struct uuid at; /* what comes behind it is still to be looked at */
	bool end;
};

static void add_message(struct page *p, const struct expired_message *message)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &message->id);
	present_time(j, "archived_at", uuid_time_us(&message->id));
	present_time(j, "retain_until", message->retain_until_us);
	cJSON_AddItemToArray(p->items, j);
	p->n++;
}

/* Adds those of some that are in the scope, until the page is full. */
static int add_messages(struct call *c, struct page *p, const struct expired_messages *some, struct err *e)
{
	for (size_t i = 0; i < some->n; i++) {
		int seen = meta_message_in_scope(c->service->meta, p->scope, &some->items[i].id, e);

		if (seen < 0)
			return -1;
		if (seen)
			add_message(p, &some->items[i]);
		p->at = some->items[i].id;
		if (p->n == p->limit)
			return 0;
	}
	p->at = some->looked;
	p->end = some->end;
	return 0;
}

static int fill(struct call *c, struct page *p, struct err *e)
{
	_free_ struct expired_messages *some = MEM_NEW(struct expired_messages);

	for (size_t looked = 0; looked < LOOKED_MAX && p->n < p->limit && !p->end; looked += EXPIRED_AT_ONCE)
		if (meta_expired_list(c->service->meta, &p->at, p->expired_by_us, some, e) || add_messages(c, p, some, e))
			return -1;
	return 0;
}

static void answer_page(struct call *c, const struct list *l, struct page *p)
{
	char next[UUID_TEXT_SIZE];
	struct err e;

	p->limit = l->limit;
	p->items = cJSON_CreateArray();
	if (fill(c, p, &e) < 0) {
		cJSON_Delete(p->items);
		access_failed(c, &e);
	} else {
		list_answer(c, p->items, p->end ? NULL : uuid_format(next, &p->at));
	}
}

/* What of it the account may see. */
static void list_messages(struct call *c)
{
	CLEANUP(disposition_deinit) struct disposition d = { 0 };
	CLEANUP(scope_freep) struct scope *scope = NULL;
	CLEANUP(list_deinit) struct list l = { 0 };
	struct page p = { 0 };
	struct err e;

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &p.at) < 0 || find(c, cJSON_CreateObject(), &d) < 0)
		return;
	if (authz_met_scope(&c->account, d.scope, &scope, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	p.scope = scope;
	p.expired_by_us = d.expired_by_us;
	answer_page(c, &l, &p);
}

static void list_expired(struct call *c)
{
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);
	CLEANUP(list_deinit) struct list l = { 0 };
	struct page p = { .scope = scope, .expired_by_us = clock_now_us() };

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &p.at) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	answer_page(c, &l, &p);
}

/* ---- proposing ---- */

/* Now, unless the body says an earlier moment. */
static int read_expired_by(struct call *c, const cJSON *body, int64_t now_us, int64_t *us_r)
{
	const char *text = body_string(body, "expired_by");

	*us_r = now_us;
	if (text && clock_parse(us_r, text) < 0)
		return refuse(c, "expired_by", "This must be an RFC 3339 time such as 2026-11-22T17:31:00Z, or a day.");
	return *us_r <= now_us ? 0 : refuse(c, "expired_by", "What has not expired yet can't be proposed.");
}

/* What the account may see, narrowed by the filters. -1: the response is set; who reached for others' mail is on record. */
static int read_scope(struct call *c, const cJSON *body, char **text_r)
{
	CLEANUP(search_request_deinit) struct search_request r = { 0 };
	CLEANUP(scope_freep) struct scope *scope = NULL;
	struct err e;

	if (search_filters_read(c, body, &r) < 0)
		return -1;
	if (authz_search_scope(c, &r, &scope, &e) < 0)
		return access_failed(c, &e);
	if (!scope_is_all(scope) && scope_mailboxes(scope)->n == 0) {
		if (access_intent(c, cJSON_Duplicate(body, true)) < 0)
			return -1;
		return refuse(c, r.mailbox ? "mailbox" : "department",
			"The scope of this account covers no mail of this: who proposes has one.");
	}
	if (scope_from_us(scope) >= scope_until_us(scope))
		return refuse(c, "after", "The times leave nothing to be removed.");
	*text_r = scope_print(scope);
	return 0;
}

static void propose(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "mailbox", .type = BODY_STRING, .max = SEARCH_MAILBOX_MAX },
		{ .name = "department", .type = BODY_STRING, .max = SEARCH_DEPARTMENT_MAX },
		{ .name = "after", .type = BODY_STRING },
		{ .name = "before", .type = BODY_STRING },
		{ .name = "expired_by", .type = BODY_STRING },
		{ .name = "reason", .type = BODY_STRING, .required = true, .max = REASON_MAX },
		{ 0 },
	};
	const int64_t now_us = clock_now_us();
	CLEANUP(disposition_deinit) struct disposition d = { .id = uuid_new(now_us) };
	_json_ cJSON *body = body_read(c, fields);
	char id[UUID_TEXT_SIZE];
	struct err e;

	if (!body)
		return;
	d.proposed = (struct hold_act){ now_us, c->account.id, mem_strdup(body_string(body, "reason")) };
	if (!*d.proposed.reason) {
		refuse(c, "reason", "A disposition has a reason.");
		return;
	}
	if (read_expired_by(c, body, now_us, &d.expired_by_us) < 0 || read_scope(c, body, &d.scope) < 0 ||
		access_intent(c, present(&d)) < 0)
		return;
	_free_ char *location = mem_printf(ROUTE_V1 "/retention/dispositions/%s/", uuid_format(id, &d.id));

	if (meta_disposition_propose(c->service->meta, &d, &e))
		access_failed(c, &e);
	else
		response_created(&c->response, location, present_whole(c, &d, &e));
}

/* ---- deciding ---- */

/* Why the database did not take the decision. */
static void answer_undecided(struct call *c, const struct disposition *d)
{
	if (d->proposed.account_id == c->account.id)
		response_problem_named(&c->response, 403, "own-proposal",
			"You have proposed this disposition: somebody else decides on it.");
	else
		response_problem_named(&c->response, 409, "conflict", "This disposition is decided already.");
}

static void decide(struct call *c, bool approved)
{
	static const struct body_field fields[] = {
		{ .name = "reason", .type = BODY_STRING, .required = true, .max = REASON_MAX },
		{ 0 },
	};
	CLEANUP(disposition_deinit) struct disposition d = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct err e;

	if (!body)
		return;
	const char *reason = body_string(body, "reason");

	if (!*reason) {
		refuse(c, "reason", "A decision has a reason.");
		return;
	}
	if (find(c, cJSON_Duplicate(body, true), &d) < 0)
		return;
	const struct hold_act act = { clock_now_us(), c->account.id, (char *)(uintptr_t)reason };
	int rc = meta_disposition_decide(c->service->meta, &d.id, approved, &act, &e);

	if (rc < 0) {
		access_failed(c, &e);
	} else if (rc == 0) {
		answer_undecided(c, &d);
	} else {
		free(d.decided.reason);
		d.decided = act;
		d.decided.reason = mem_strdup(reason);
		d.approved = approved;
		answer(c, &d);
	}
}

static void approve(struct call *c)
{
	decide(c, true);
}

static void reject(struct call *c)
{
	decide(c, false);
}

/* ---- the table ---- */

#define EXPIRED ROUTE_V1 "/retention/expired/"
#define DISPOSITIONS ROUTE_V1 "/retention/dispositions"
#define ONE DISPOSITIONS "/{id}"
#define KEPT .permission = "RETENTION_MANAGE", .fresh = true

const struct route disposition_routes[] = {
	{ .method = METHOD_GET, .pattern = EXPIRED, .action = "retention.expired", .parameters = list_parameters,
		.handle = list_expired, KEPT },
	{ .method = METHOD_GET, .pattern = DISPOSITIONS "/", .action = "disposition.list", .parameters = list_parameters,
		.handle = list, KEPT },
	{ .method = METHOD_POST, .pattern = DISPOSITIONS "/", .action = "disposition.propose", .body_max = ROUTE_BODY_JSON,
		.handle = propose, KEPT },
	{ .method = METHOD_GET, .pattern = ONE "/", .action = "disposition.read", .handle = get, KEPT },
	{ .method = METHOD_GET, .pattern = ONE "/messages/", .action = "disposition.messages", .parameters = list_parameters,
		.handle = list_messages, KEPT },
	{ .method = METHOD_POST, .pattern = ONE "/approve", .action = "disposition.approve", .body_max = ROUTE_BODY_JSON,
		.handle = approve, KEPT },
	{ .method = METHOD_POST, .pattern = ONE "/reject", .action = "disposition.reject", .body_max = ROUTE_BODY_JSON,
		.handle = reject, KEPT },
	{ 0 },
};
