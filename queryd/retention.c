#include "queryd/retention.h"

#include "base/clock.h"
#include "mail/address.h"
#include "meta/department.h"
#include "meta/retention.h"
#include "meta/upkeep.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/etag.h"
#include "queryd/grant.h"
#include "queryd/list.h"
#include "queryd/present.h"

#include <inttypes.h>
#include <string.h>

#define NAME_MAX_BYTES 255
#define REASON_MAX 4000
#define ORDER_MAX 1000000
#define ORDER_STANDARD 100

/* By enum retention_kind. */
static const char *const kinds[] = { NULL, "all", "department", "mailbox", "sender" };

/* ---- telling ---- */

static cJSON *present(const struct retention_policy *p)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &p->id);
	json_add_u64(j, "revision", p->revision);
	json_add_str(j, "name", p->name);
	json_add_str(j, "applies_to", kinds[p->kind]);
	json_add_str(j, "subject", p->kind == RETENTION_ALL ? NULL : p->subject);
	json_add_u64(j, "days", p->days);
	json_add_u64(j, "order", p->place);
	json_add_bool(j, "active", !p->ended);
	json_add_str(j, "reason", p->reason);
	present_time(j, "changed_at", p->at_us);
	json_add_u64(j, "changed_by", p->account_id);
	return j;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(&((const struct retention_policy *)a)->id, &((const struct retention_policy *)b)->id, UUID_SIZE);
}

static void list(struct call *c)
{
	CLEANUP(retention_policies_deinit) struct retention_policies all = { 0 };
	CLEANUP(list_deinit) struct list l = { 0 };
	char next[UUID_TEXT_SIZE];
	struct uuid after;
	struct err e;
	size_t at = 0, end;

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &after) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_retention_list(c->service->meta, &all, &e)) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();

	if (all.n)
		qsort(all.items, all.n, sizeof(*all.items), by_id);
	while (at < all.n && memcmp(&all.items[at].id, &after, UUID_SIZE) <= 0)
		at++;
	for (end = at; end < all.n && end - at < l.limit; end++)
		cJSON_AddItemToArray(items, present(&all.items[end]));
	list_answer(c, items, end < all.n ? uuid_format(next, &all.items[end - 1].id) : NULL);
}

/* How far the messages are that changed policies reach. */
static cJSON *present_progress(const struct upkeep_walk *w, bool current)
{
	cJSON *j = cJSON_CreateObject();

	json_add_u64(j, "messages_looked_at", w->looked);
	json_add_u64(j, "messages_extended", w->changed);
	if (w->began_us)
		present_time(j, "began_at", w->began_us);
	else
		json_add_str(j, "began_at", NULL);
	if (current && w->finished_us)
		present_time(j, "finished_at", w->finished_us);
	else
		json_add_str(j, "finished_at", NULL);
	return j;
}

static void summary(struct call *c)
{
	struct upkeep_walk w = { 0 };
	struct err e;
	uint64_t newest;

	if (audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_retention_newest(c->service->meta, &newest, &e) ||
		meta_upkeep_walk(c->service->meta, UPKEEP_POLICIES, &w, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *j = cJSON_CreateObject();

	json_add_u64(j, "standard_days", c->service->conf->lock_days);
	json_add_u64(j, "longest_days", c->service->conf->lock_days_max);
	json_add_item(j, "extension", present_progress(&w, w.about >= newest));
	free(w.mailbox);
	response_json(&c->response, j);
}

static void answer(struct call *c, const struct uuid *id, bool created)
{
	CLEANUP(retention_policies_deinit) struct retention_policies all = { 0 };
	char tag[ETAG_SIZE], text[UUID_TEXT_SIZE];
	struct err e;

	if (meta_retention_history(c->service->meta, id, &all, &e)) {
		access_failed(c, &e);
		return;
	}
	if (all.n == 0) {
		access_not_found(c);
		return;
	}
	_free_ char *location = mem_printf(ROUTE_V1 "/retention/policies/%s/", uuid_format(text, id));
	cJSON *j = present(&all.items[all.n - 1]), *history = cJSON_CreateArray();

	for (size_t i = 0; i < all.n; i++)
		cJSON_AddItemToArray(history, present(&all.items[i]));
	json_add_item(j, "history", history);
	if (created)
		response_created(&c->response, location, j);
	else
		response_json(&c->response, j);
	etag_of_version(tag, all.items[all.n - 1].revision);
	etag_answer(c, tag);
}

static void get(struct call *c)
{
	struct uuid id;

	if (audit_intent_signed_in(c, NULL) < 0)
		return;
	if (uuid_parse(&id, c->parameters[0]) < 0)
		access_not_found(c);
	else
		answer(c, &id, false);
}

/* ---- changing ---- */

static int refuse(struct call *c, const char *field, const char *why)
{
	response_problem_at(&c->response, field, -1, "%s", why);
	return -1;
}

/* A number of the body from 1 on, or `otherwise` when it is absent. */
static int read_number(struct call *c, const cJSON *body, const char *name, uint64_t max, uint64_t otherwise, uint64_t *value_r)
{
	switch (json_get_u64(body, name, value_r)) {
	case 0:
		*value_r = otherwise;
		return 0;
	case 1:
		if (*value_r >= 1 && *value_r <= max)
			return 0;
	}
	response_problem_at(&c->response, name, -1, "This is a whole number from 1 to %" PRIu64 ".", max);
	return -1;
}

/* What can be changed of a policy; what is absent stays. The strings are copies. */
static int read_terms(struct call *c, const cJSON *body, struct retention_policy *p)
{
	const char *name = body_string(body, "name"), *reason = body_string(body, "reason");

	if (name && !*name)
		return refuse(c, "name", "A policy has a name.");
	if (read_number(c, body, "days", c->service->conf->lock_days_max, p->days, &p->days) < 0 ||
		read_number(c, body, "order", ORDER_MAX, p->place, &p->place) < 0)
		return -1;
	if (name) {
		free(p->name);
		p->name = mem_strdup(name);
	}
	free(p->reason);
	p->reason = mem_strdup(reason ? reason : "");
	return 0;
}

static int check_department(struct call *c, const char *name)
{
	CLEANUP(department_deinit) struct department d = { 0 };
	struct err e;
	int found = meta_department_get(c->service->meta, name, &d, &e);

	if (found < 0)
		return access_failed(c, &e);
	return found ? 0 : refuse(c, "subject", "There is no such department.");
}

/* An address in its normal form; of a sender "@domain" too. */
static int read_address(struct call *c, const char *subject, struct retention_policy *p)
{
	bool domain = p->kind == RETENTION_SENDER && *subject == '@' && subject[1] && !strchr(subject + 1, '@');
	_free_ char *whole = domain ? mem_printf("x%s", subject) : mem_strdup(subject);

	if (*whole == '@' || !grant_mailbox_good(whole))
		return refuse(c, "subject", "This is an address, or for a sender also @ and a domain.");
	_free_ char *normal = address_normalize(whole);

	p->subject = mem_strdup(normal + domain);
	return 0;
}

static int read_subject(struct call *c, const cJSON *body, struct retention_policy *p)
{
	const char *kind = body_string(body, "applies_to"), *subject = body_string(body, "subject");

	for (size_t i = RETENTION_ALL; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kind, kinds[i]) == 0)
			p->kind = (enum retention_kind)i;
	if (!p->kind)
		return refuse(c, "applies_to", "A policy applies to all, department, mailbox or sender.");
	if ((p->kind == RETENTION_ALL) != !subject)
		return refuse(c, "subject", p->kind == RETENTION_ALL ? "A policy for all messages has no subject."
								      : "Whose department, mailbox or sender?");
	if (p->kind == RETENTION_MAILBOX || p->kind == RETENTION_SENDER)
		return read_address(c, subject, p);
	p->subject = mem_strdup(subject ? subject : "");
	return p->kind == RETENTION_DEPARTMENT ? check_department(c, subject) : 0;
}

/* The intent, the revision, and the answer. */
static void put(struct call *c, struct retention_policy *p)
{
	struct err e;

	p->at_us = clock_now_us();
	p->account_id = c->account.id;
	if (access_intent(c, present(p)) < 0)
		return;
	int rc = meta_retention_put(c->service->meta, p, &e);

	if (access_changed(c, rc, &e) == 0)
		answer(c, &p->id, p->revision == 1);
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .required = true, .max = NAME_MAX_BYTES },
		{ .name = "applies_to", .type = BODY_STRING, .required = true, .max = 16 },
		{ .name = "subject", .type = BODY_STRING, .max = GRANT_MAILBOX_MAX },
		{ .name = "days", .type = BODY_INTEGER, .required = true },
		{ .name = "order", .type = BODY_INTEGER },
		{ .name = "reason", .type = BODY_STRING, .max = REASON_MAX },
		{ 0 },
	};
	CLEANUP(retention_policy_deinit) struct retention_policy p = { .id = uuid_new(clock_now_us()), .revision = 1,
		.place = ORDER_STANDARD };
	_json_ cJSON *body = body_read(c, fields);

	if (body && read_terms(c, body, &p) == 0 && read_subject(c, body, &p) == 0)
		put(c, &p);
}

/* May it be changed by a client that knows this revision? -1: the response is set. */
static int check_open(struct call *c, const struct retention_policy *p)
{
	char tag[ETAG_SIZE];

	etag_of_version(tag, p->revision);
	if (etag_check(c, tag) < 0)
		return -1;
	if (!p->ended)
		return 0;
	response_problem_named(&c->response, 409, "conflict", "This policy has ended. Make a new one.");
	return -1;
}

/* The newest revision of the one that the path names, if the client knows it. -1: the response is set, and the try is on
 * record. */
static int find(struct call *c, struct retention_policy *p_r)
{
	struct uuid id;
	struct err e;
	int found = uuid_parse(&id, c->parameters[0]) < 0 ? 0 : meta_retention_get(c->service->meta, &id, p_r, &e);

	if (found == 1 && check_open(c, p_r) == 0) {
		p_r->revision++;
		return 0;
	}
	if (audit_intent_signed_in(c, NULL) < 0 || found == 1)
		return -1;
	return found < 0 ? access_failed(c, &e) : access_not_found(c);
}

static void patch(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .max = NAME_MAX_BYTES },
		{ .name = "days", .type = BODY_INTEGER },
		{ .name = "order", .type = BODY_INTEGER },
		{ .name = "reason", .type = BODY_STRING, .max = REASON_MAX },
		{ 0 },
	};
	CLEANUP(retention_policy_deinit) struct retention_policy p = { 0 };
	_json_ cJSON *body = body_read(c, fields);

	if (body && find(c, &p) == 0 && read_terms(c, body, &p) == 0)
		put(c, &p);
}

static void end(struct call *c)
{
	CLEANUP(retention_policy_deinit) struct retention_policy p = { 0 };

	if (find(c, &p) < 0)
		return;
	p.ended = true;
	free(p.reason);
	p.reason = mem_strdup("");
	put(c, &p);
	if (c->response.status == 200)
		response_empty(&c->response, 204);
}

/* ---- the table ---- */

#define POLICIES ROUTE_V1 "/retention/policies"
#define MANAGED .permission = "RETENTION_MANAGE", .fresh = true

const struct route retention_routes[] = {
	{ .method = METHOD_GET, .pattern = ROUTE_V1 "/retention/", .action = "retention.status", .handle = summary, MANAGED },
	{ .method = METHOD_GET, .pattern = POLICIES "/", .action = "retention.list", .parameters = list_parameters,
		.handle = list, MANAGED },
	{ .method = METHOD_POST, .pattern = POLICIES "/", .action = "retention.create", .body_max = ROUTE_BODY_JSON,
		.handle = create, MANAGED },
	{ .method = METHOD_GET, .pattern = POLICIES "/{id}/", .action = "retention.read", .handle = get, MANAGED },
	{ .method = METHOD_PATCH, .pattern = POLICIES "/{id}/", .action = "retention.change", .body_max = ROUTE_BODY_JSON,
		.handle = patch, MANAGED },
	{ .method = METHOD_DELETE, .pattern = POLICIES "/{id}/", .action = "retention.end", .handle = end, MANAGED },
	{ 0 },
};
