#include "queryd/exports.h"

#include "base/clock.h"
#include "base/hex.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/body.h"
#include "queryd/cases.h"
#include "queryd/etag.h"
#include "queryd/link.h"
#include "queryd/list.h"
#include "queryd/present.h"
#include "queryd/query.h"

#include <string.h>

int exports_failed(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "The archive's database can't be used at the moment.");
	return -1;
}

/* ---- telling ---- */

/* A text that is JSON itself. */
static void add_json(cJSON *j, const char *name, const char *text)
{
	struct err unread;
	cJSON *item = json_parse(text, strlen(text), &unread);

	json_add_item(j, name, item ? item : cJSON_CreateNull());
}

static cJSON *present_progress(const struct export_progress *p)
{
	cJSON *j = cJSON_CreateObject();

	if (p->total_known)
		json_add_u64(j, "total", p->total);
	else
		json_add_item(j, "total", cJSON_CreateNull());
	json_add_u64(j, "done", p->done);
	json_add_u64(j, "missing", p->missing);
	json_add_u64(j, "bytes", p->size);
	return j;
}

static cJSON *present_result(const struct export_job *e)
{
	cJSON *j = cJSON_CreateObject();
	char sha256[SHA256_TEXT_SIZE];

	if (e->state != EXPORT_READY && e->state != EXPORT_EXPIRED) {
		cJSON_Delete(j);
		return cJSON_CreateNull();
	}
	hex_encode(sha256, e->result.sha256, SHA256_SIZE);
	json_add_u64(j, "size", e->result.where.length);
	json_add_str(j, "sha256", sha256);
	present_time(j, "finished_at", e->result.finished_us);
	present_time(j, "expires_at", e->result.expires_us);
	return j;
}

static cJSON *present(const struct export_job *e)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &e->request.id);
	json_add_str(j, "state", export_state_name(e->state));
	present_time(j, "requested_at", e->request.requested_us);
	json_add_str(j, "format", e->request.format);
	json_add_str(j, "container", e->request.container);
	json_add_str(j, "reason", e->request.reason);
	json_add_str(j, "case", e->request.matter);
	json_add_u64(j, "attempts", e->epoch);
	json_add_item(j, "progress", present_progress(&e->progress));
	json_add_str(j, "detail", *e->detail ? e->detail : NULL);
	json_add_item(j, "result", present_result(e));
	return j;
}

/* With what it is of, which may be ten thousand ids. */
static cJSON *present_whole(const struct export_job *e)
{
	cJSON *j = present(e);

	add_json(j, "request", e->request.request);
	return j;
}

static void answer(struct call *c, const struct export_job *j)
{
	char tag[ETAG_SIZE];

	response_json(&c->response, present_whole(j));
	etag_of_body(tag, &c->response);
	etag_answer(c, tag);
}

/* ---- asking ---- */

/* One of a few words, or the first of them when the field is absent. NULL: the response is a problem. */
static char *read_choice(struct call *c, const cJSON *body, const char *field, const char *const *words)
{
	_free_ char *known = NULL;
	const char *value = body_string(body, field);

	for (size_t i = 0; words[i]; i++) {
		if (!value || strcmp(value, words[i]) == 0)
			return mem_strdup(words[i]);
		char *longer = mem_printf("%s%s%s", known ? known : "", known ? ", " : "", words[i]);

		free(known);
		known = longer;
	}
	response_problem_at(&c->response, field, -1, "This must be one of: %s.", known);
	return NULL;
}

/* The part of the body that says which messages are meant, as text. Caller frees. */
static char *request_text(const cJSON *body)
{
	static const char *const members[] = { "query", "mailbox", "department", "after", "before", "ids" };
	_json_ cJSON *j = cJSON_CreateObject();

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, members[i]);

		if (item && !cJSON_IsNull(item))
			json_add_item(j, members[i], cJSON_Duplicate(item, true));
	}
	return json_print(j);
}

static bool has_filters(const cJSON *body)
{
	static const char *const members[] = { "query", "mailbox", "department", "after", "before" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (!body_is_null(body, members[i]) && cJSON_HasObjectItem(body, members[i]))
			return true;
	return false;
}

/* Each an id, each once: written anew in their one spelling. */
static int read_ids(struct call *c, cJSON *body)
{
	CLEANUP(strv_deinit) struct strv given = { 0 }, ids = { 0 };
	cJSON *list;

	body_strings(body, "ids", &given);
	if (has_filters(body) || !given.n) {
		response_problem_at(&c->response, "ids", -1, "Give at least one id, or a query with its filters, not both.");
		return -1;
	}
	list = cJSON_CreateArray();
	for (size_t i = 0; i < given.n; i++) {
		char text[UUID_TEXT_SIZE];
		struct uuid id;

		if (uuid_parse(&id, given.items[i]) < 0) {
			cJSON_Delete(list);
			response_problem_at(&c->response, "ids", -1, "One of these is no archive id.");
			return -1;
		}
		strv_add(&ids, uuid_format(text, &id));
	}
	strv_sort(&ids);
	for (size_t i = 0; i < ids.n; i++)
		if (!i || strcmp(ids.items[i], ids.items[i - 1]) != 0)
			cJSON_AddItemToArray(list, cJSON_CreateString(ids.items[i]));
	cJSON_ReplaceItemInObjectCaseSensitive(body, "ids", list);
	return 0;
}

/* What the account may see, narrowed by the filters, as text in *text_r (caller frees). 0, or -1 with the response set. */
static int read_scope(struct call *c, cJSON *body, char **text_r)
{
	CLEANUP(search_request_deinit) struct search_request r = { 0 };
	CLEANUP(scope_freep) struct scope *scope = NULL;
	struct err e;

	if (cJSON_GetObjectItemCaseSensitive(body, "ids") && !body_is_null(body, "ids")) {
		if (read_ids(c, body) < 0)
			return -1;
		scope = authz_scope(&c->account);
	} else if (search_filters_read(c, body, &r) < 0) {
		return -1;
	} else if (authz_search_scope(c, &r, &scope, &e) < 0) {
		return exports_failed(c, &e);
	}
	*text_r = scope_print(scope);
	return 0;
}

static void request_deinit_own(struct export_request *r)
{
	free(r->format);
	free(r->container);
	free(r->request);
	free(r->scope);
}

/* What stands in the audit, and in the manifest. */
static int check_line(struct call *c, const char *field, const char *text)
{
	bool is_line = text[strspn(text, " ")] != '\0';

	for (; *text; text++)
		is_line = is_line && (unsigned char)*text >= ' ' && *text != 0x7f;
	if (!is_line)
		response_problem_at(&c->response, field, -1, "This must be one line of text, and not empty.");
	return is_line ? 0 : -1;
}

/* A matter may be anything; the id of a case must be that of an open one that the account is a member of, and is written in
 * its one spelling. */
static int check_case(struct call *c, cJSON *body)
{
	const char *text = body_string(body, "case");
	char spelled[UUID_TEXT_SIZE];
	struct uuid id;

	if (!text)
		return 0;
	if (check_line(c, "case", text) < 0)
		return -1;
	if (uuid_parse(&id, text) < 0)
		return 0;
	if (cases_named(c, text, &id) < 0)
		return -1;
	cJSON_ReplaceItemInObjectCaseSensitive(body, "case", cJSON_CreateString(uuid_format(spelled, &id)));
	return 0;
}

/* reason and matter stay views of body. */
static int read_request(struct call *c, cJSON *body, struct export_request *r)
{
	static const char *const formats[] = { "eml", "mbox", "loadfile", NULL };
	static const char *const containers[] = { "tar.gz", "zip", NULL };
	const char *reason = body_string(body, "reason");

	if (check_line(c, "reason", reason) < 0 || check_case(c, body) < 0)
		return -1;
	r->format = read_choice(c, body, "format", formats);
	r->container = r->format ? read_choice(c, body, "container", containers) : NULL;
	if (!r->container || read_scope(c, body, &r->scope) < 0)
		return -1;
	r->request = request_text(body);
	r->reason = cJSON_GetObjectItemCaseSensitive(body, "reason")->valuestring;
	r->matter = body_string(body, "case") ? cJSON_GetObjectItemCaseSensitive(body, "case")->valuestring : NULL;
	return 0;
}

static void refuse_more(struct call *c)
{
	response_problem_named(&c->response, 429, "limit", "%d exports of this account are not ready yet. Wait for one, or cancel one.",
		EXPORTS_OPEN_MAX);
	response_header(&c->response, "Retry-After", "60");
}

/* For the audit. Caller frees. */
static char *detail_of(const struct export_request *r)
{
	_json_ cJSON *j = cJSON_CreateObject();
	char id[UUID_TEXT_SIZE];

	json_add_str(j, "export", uuid_format(id, &r->id));
	json_add_str(j, "reason", r->reason);
	json_add_str(j, "case", r->matter);
	json_add_str(j, "format", r->format);
	json_add_str(j, "container", r->container);
	add_json(j, "request", r->request);
	return json_print(j);
}

static void add(struct call *c, struct export_request *r)
{
	CLEANUP(export_job_deinit) struct export_job j = { 0 };
	char location[sizeof(ROUTE_V1 "/archive/exports/") + UUID_TEXT_SIZE + 1], id[UUID_TEXT_SIZE];
	struct err e;

	r->requested_us = clock_now_us();
	r->id = uuid_new(r->requested_us);
	r->account_id = c->account.id;
	r->client = (char *)(uintptr_t)c->request->client;
	r->request_id = (char *)(uintptr_t)c->request->id;
	_free_ char *detail = detail_of(r);

	if (audit_intent_signed_in(c, detail) < 0)
		return;
	int added = meta_export_add(c->service->meta, r, EXPORTS_OPEN_MAX, &e);

	if (added == 0) {
		refuse_more(c);
		return;
	}
	if (added < 0 || meta_export_get(c->service->meta, c->account.id, &r->id, &j, &e) < 1) {
		exports_failed(c, &e);
		return;
	}
	cache_wake(c->service->cache, CACHE_WAKE_EXPORT);
	snprintf(location, sizeof(location), ROUTE_V1 "/archive/exports/%s/", uuid_format(id, &r->id));
	response_created(&c->response, location, present_whole(&j));
	c->response.status = 202;
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "query", .type = BODY_STRING },
		{ .name = "mailbox", .type = BODY_STRING, .max = SEARCH_MAILBOX_MAX },
		{ .name = "department", .type = BODY_STRING, .max = SEARCH_DEPARTMENT_MAX },
		{ .name = "after", .type = BODY_STRING },
		{ .name = "before", .type = BODY_STRING },
		{ .name = "ids", .type = BODY_STRINGS, .max = 64, .items = EXPORTS_IDS_MAX },
		{ .name = "format", .type = BODY_STRING },
		{ .name = "container", .type = BODY_STRING },
		{ .name = "reason", .type = BODY_STRING, .required = true, .max = EXPORTS_REASON_MAX },
		{ .name = "case", .type = BODY_STRING, .max = EXPORTS_CASE_MAX },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);
	CLEANUP(request_deinit_own) struct export_request r = { 0 };

	if (body && read_request(c, body, &r) == 0)
		add(c, &r);
}

/* ---- looking ---- */

static int find(struct call *c, struct export_job *j_r, bool shows)
{
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	struct export_job j = { 0 };
	struct uuid id;
	struct err e;
	int found = uuid_parse(&id, c->parameters[0]) < 0 ? 0 : meta_export_get(c->service->meta, c->account.id, &id, &j, &e);

	shows = shows && found > 0 && *j.built_scope;
	if (shows && authz_scope_mailboxes(j.built_scope, &mailboxes, &e) < 0)
		found = -1;
	*j_r = j;
	if ((shows ? audit_intent_looking(c, NULL, &mailboxes) : audit_intent_signed_in(c, NULL)) < 0)
		return -1;
	if (found < 0)
		return exports_failed(c, &e);
	if (!found)
		response_problem(&c->response, 404, "There is no such export.");
	return found ? 0 : -1;
}

int exports_find(struct call *c, struct export_job *j_r)
{
	return find(c, j_r, false);
}

int exports_find_to_show(struct call *c, struct export_job *j_r)
{
	return find(c, j_r, true);
}

static void get(struct call *c)
{
	CLEANUP(export_job_deinit) struct export_job j = { 0 };

	if (exports_find(c, &j) == 0)
		answer(c, &j);
}

static void list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	_free_ struct export_job *jobs = NULL;
	struct uuid before;
	struct err e;
	size_t n;

	if (list_read(c, &l) < 0 || list_after_uuid(c, &l, &before) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (!*l.after)
		memset(&before, 0xff, sizeof(before));
	jobs = MEM_ARRAY(struct export_job, l.limit + 1);
	if (meta_export_list(c->service->meta, c->account.id, &before, jobs, l.limit + 1, &n, &e) < 0) {
		exports_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > l.limit ? l.limit : n;
	char last[UUID_TEXT_SIZE];

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, present(&jobs[i]));
	list_answer(c, items, n > given ? uuid_format(last, &jobs[given - 1].request.id) : NULL);
	for (size_t i = 0; i < n; i++)
		export_job_deinit(&jobs[i]);
}

static void cancel(struct call *c)
{
	CLEANUP(export_job_deinit) struct export_job j = { 0 }, after = { 0 };
	struct err e;

	if (exports_find(c, &j) < 0)
		return;
	int cancelled = meta_export_cancel(c->service->meta, c->account.id, &j.request.id, clock_now_us(), &e);

	if (cancelled < 0 || meta_export_get(c->service->meta, c->account.id, &j.request.id, &after, &e) < 1) {
		exports_failed(c, &e);
		return;
	}
	if (cancelled || after.state == EXPORT_CANCELLED)
		answer(c, &after);
	else
		response_problem(&c->response, 409, "It is %s already.", export_state_name(after.state));
}

#define EXPORTS ROUTE_V1 "/archive/exports/"
#define PERMISSION "ARCHIVE_EXPORT"

const struct route export_routes[] = {
	{ METHOD_POST, EXPORTS, PERMISSION, "export.create", .fresh = true, .body_max = ROUTE_BODY_JSON, .handle = create },
	{ METHOD_GET, EXPORTS, PERMISSION, "export.list", .fresh = true, .parameters = list_parameters, .handle = list },
	{ METHOD_GET, EXPORTS "{id}/", PERMISSION, "export.status", .fresh = true, .handle = get },
	{ METHOD_POST, EXPORTS "{id}/cancel", PERMISSION, "export.cancel", .fresh = true, .handle = cancel },
	{ METHOD_GET, EXPORTS "{id}/download", PERMISSION, "export.download", .fresh = true, .handle = export_download },
	{ METHOD_POST, EXPORTS "{id}/download-url", PERMISSION, "export.download-url", .fresh = true, .handle = export_download_url },
	{ METHOD_GET, ROUTE_V1 "/archive/export-downloads/{id}", NULL, "export.download", .parameters = link_parameters,
		.handle = export_download_by_url },
	{ 0 },
};
