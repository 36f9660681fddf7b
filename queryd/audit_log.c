#include "queryd/audit_log.h"

#include "base/clock.h"
#include "mail/address.h"
#include "meta/audit_read.h"
#include "queryd/audit.h"
#include "queryd/audit_export.h"
#include "queryd/list.h"

#include <string.h>

#define MAILBOX_MAX 512

static void fail(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "The audit can't be read at the moment.");
}

/* ---- what is asked for ---- */

/* The moment in a parameter; *us_r stays when it is absent. */
static int read_time(struct call *c, const char *name, int64_t *us_r)
{
	const char *text = request_parameter(c->request, name);

	if (!text || clock_parse(us_r, text) == 0)
		return 0;
	response_problem_at(&c->response, name, -1, "This is no time: give one as 2026-11-23T00:00:00Z.");
	return -1;
}

/* A misspelt result would look like one that nothing ever had. */
static int check_result(struct call *c, const char *result)
{
	static const char *const results[] = { "allowed", "refused", "not found", "failed", "none" };

	for (size_t i = 0; i < ARRAY_LEN(results); i++)
		if (!result || strcmp(result, results[i]) == 0)
			return 0;
	response_problem_at(&c->response, "result", -1, "This must be allowed, refused, not found, failed or none.");
	return -1;
}

static int read_filter(struct call *c, struct audit_filter *f_r)
{
	const struct request *r = c->request;

	*f_r = (struct audit_filter){
		.actor = request_parameter(r, "actor"),
		.action = request_parameter(r, "action"),
		.object = request_parameter(r, "object"),
		.result = request_parameter(r, "result"),
		.case_ref = request_parameter(r, "case"),
		.client = request_parameter(r, "client"),
		.request_id = request_parameter(r, "request_id"),
	};
	if (check_result(c, f_r->result) < 0)
		return -1;
	return read_time(c, "from", &f_r->from_us) < 0 || read_time(c, "until", &f_r->until_us) < 0 ? -1 : 0;
}

/* The query as it was given, for the audit of the audit. Caller frees. */
static char *query_detail(const struct request *r)
{
	_json_ cJSON *j = cJSON_CreateObject();

	for (size_t i = 0; i < r->query_names.n; i++)
		json_add_str(j, r->query_names.items[i], r->query_values.items[i]);
	return json_print(j);
}

/* ---- lists ---- */

static cJSON *present_entry(const struct audit_event *event, const struct audit_filter *f)
{
	cJSON *j = audit_event_json(event);

	if (f->mailbox)
		json_add_bool(j, "all_mailboxes", event->all_mailboxes);
	return j;
}

static void answer_page(struct call *c, const struct audit_filter *f, const struct list *l, const struct uuid *behind)
{
	CLEANUP(audit_page_deinit) struct audit_page page = { 0 };
	char last[UUID_TEXT_SIZE];
	struct err e;

	if (meta_audit_list(c->service->meta, f, behind, l->limit, &page, &e) < 0) {
		fail(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();

	for (size_t i = 0; i < page.n; i++)
		cJSON_AddItemToArray(items, present_entry(&page.events[i], f));
	list_answer(c, items, page.more ? uuid_format(last, &page.last) : NULL);
}

static void answer_list(struct call *c, const char *mailbox)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	_free_ char *detail = query_detail(c->request);
	struct audit_filter f;
	struct uuid behind;

	if (read_filter(c, &f) < 0 || list_read(c, &l) < 0 || list_after_uuid(c, &l, &behind) < 0 ||
		audit_intent_signed_in(c, detail) < 0)
		return;
	f.mailbox = mailbox;
	answer_page(c, &f, &l, &behind);
}

static void list_all(struct call *c)
{
	answer_list(c, NULL);
}

static void list_mailbox(struct call *c)
{
	_free_ char *mailbox = address_normalize(c->parameters[0]);

	if (!*mailbox || strlen(mailbox) > MAILBOX_MAX)
		response_problem(&c->response, 404, "This is no mailbox.");
	else
		answer_list(c, mailbox);
}

static void export(struct call *c)
{
	_free_ char *detail = query_detail(c->request);
	struct audit_filter f;

	if (read_filter(c, &f) < 0 || audit_export_check(c) < 0 || audit_intent_signed_in(c, detail) < 0)
		return;
	audit_export(c, &f);
}

/* ---- one ---- */

static void get(struct call *c)
{
	CLEANUP(audit_event_deinit) struct audit_event event = { 0 };
	struct uuid id;
	struct err e;

	if (audit_intent_signed_in(c, NULL) < 0)
		return;
	int found = uuid_parse(&id, c->parameters[0]) < 0 ? 0 : meta_audit_get(c->service->meta, &id, &event, &e);

	if (found < 0)
		fail(c, &e);
	else if (!found)
		response_problem(&c->response, 404, "There is no such audit entry.");
	else
		response_json(&c->response, audit_event_json(&event));
}

static const char *const list_names[] = { "actor", "action", "object", "result", "from", "until", "case", "client", "request_id",
	"limit", "cursor", NULL };
static const char *const export_names[] = { "actor", "action", "object", "result", "from", "until", "case", "client", "request_id",
	"format", NULL };

const struct route audit_log_routes[] = {
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/audit/",
		.permission = "AUDIT_READ",
		.action = "audit.list",
		.fresh = true,
		.parameters = list_names,
		.handle = list_all },
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/audit/export",
		.permission = "AUDIT_READ",
		.action = "audit.export",
		.fresh = true,
		.parameters = export_names,
		.handle = export },
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/audit/mailboxes/{address}",
		.permission = "AUDIT_READ",
		.action = "audit.mailbox",
		.fresh = true,
		.parameters = list_names,
		.handle = list_mailbox },
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/audit/{id}/",
		.permission = "AUDIT_READ",
		.action = "audit.read",
		.fresh = true,
		.handle = get },
	{ 0 },
};
