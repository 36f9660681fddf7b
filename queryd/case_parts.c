#include "queryd/case_parts.h"

#include "meta/case.h"
#include "meta/export.h"
#include "meta/hold.h"
#include "meta/saved_search.h"
#include "queryd/access.h"
#include "queryd/cases.h"
#include "queryd/exports.h"
#include "queryd/holds.h"
#include "queryd/list.h"
#include "queryd/present.h"
#include "queryd/searches.h"

#include <string.h>

/* A page of what belongs to the case that the path names. */
struct page {
	struct legal_case of;
	struct list list;
	struct uuid after; /* all zero on the first */
};

static void page_deinit(struct page *p)
{
	legal_case_deinit(&p->of);
	list_deinit(&p->list);
}

/* -1: the response is set. */
static int begin(struct call *c, struct page *p)
{
	if (list_read(c, &p->list) < 0 || list_after_uuid(c, &p->list, &p->after) < 0)
		return -1;
	return cases_find(c, cJSON_CreateObject(), &p->of);
}

/* last: of the items given. */
static void answer(struct call *c, cJSON *items, bool more, const struct uuid *last)
{
	char next[UUID_TEXT_SIZE];

	list_answer(c, items, more ? uuid_format(next, last) : NULL);
}

/* ---- searches ---- */

static cJSON *present_search(const struct saved_search *s)
{
	cJSON *j = searches_present(s);

	json_add_u64(j, "by", s->account_id);
	return j;
}

static void list_searches(struct call *c)
{
	CLEANUP(page_deinit) struct page p = { 0 };
	struct saved_search *found;
	struct err e;
	size_t n;

	if (begin(c, &p) < 0)
		return;
	if (meta_saved_search_list_of_case(c->service->meta, &p.of.id, &p.after, p.list.limit + 1, &found, &n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > p.list.limit ? p.list.limit : n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, present_search(&found[i]));
	answer(c, items, n > given, given ? &found[given - 1].id : NULL);
	saved_search_list_free(found, n);
}

/* ---- holds ---- */

static void list_holds(struct call *c)
{
	CLEANUP(page_deinit) struct page p = { 0 };
	CLEANUP(holds_deinit) struct holds found = { 0 };
	struct err e;

	if (begin(c, &p) < 0)
		return;
	if (meta_hold_list_of_case(c->service->meta, &p.of.id, &p.after, p.list.limit + 1, &found, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = found.n > p.list.limit ? p.list.limit : found.n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, holds_present(&found.items[i]));
	answer(c, items, found.n > given, given ? &found.items[given - 1].id : NULL);
}

/* ---- exports ---- */

static void add_time(cJSON *j, const char *key, int64_t us)
{
	if (us)
		present_time(j, key, us);
	else
		json_add_item(j, key, cJSON_CreateNull());
}

/* Nothing that tells what somebody else may see: neither what was asked for, nor how much was found. */
static cJSON *present_export(const struct export_job *e)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &e->request.id);
	json_add_u64(j, "by", e->request.account_id);
	json_add_str(j, "state", export_state_name(e->state));
	present_time(j, "requested_at", e->request.requested_us);
	add_time(j, "finished_at", e->result.finished_us);
	add_time(j, "expires_at", e->result.expires_us);
	json_add_str(j, "format", e->request.format);
	json_add_str(j, "container", e->request.container);
	json_add_str(j, "reason", e->request.reason);
	return j;
}

static void list_exports(struct call *c)
{
	CLEANUP(page_deinit) struct page p = { 0 };
	_free_ struct export_job *jobs = NULL;
	char matter[UUID_TEXT_SIZE];
	struct err e;
	size_t n;

	if (begin(c, &p) < 0)
		return;
	jobs = MEM_ARRAY(struct export_job, p.list.limit + 1);
	if (meta_export_list_of_case(c->service->meta, uuid_format(matter, &p.of.id), &p.after, jobs, p.list.limit + 1, &n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > p.list.limit ? p.list.limit : n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, present_export(&jobs[i]));
	answer(c, items, n > given, given ? &jobs[given - 1].request.id : NULL);
	for (size_t i = 0; i < n; i++)
		export_job_deinit(&jobs[i]);
}

/* ---- the table ---- */

#define ONE ROUTE_V1 "/cases/{id}"

const struct route case_part_routes[] = {
	{ .method = METHOD_GET, .pattern = ONE "/searches/", .permission = "ARCHIVE_SEARCH", .action = "case.searches", .fresh = true,
		.parameters = list_parameters, .handle = list_searches },
	{ .method = METHOD_GET, .pattern = ONE "/holds/", .permission = "HOLD_MANAGE", .action = "case.holds", .fresh = true,
		.parameters = list_parameters, .handle = list_holds },
	{ .method = METHOD_GET, .pattern = ONE "/exports/", .permission = "ARCHIVE_EXPORT", .action = "case.exports", .fresh = true,
		.parameters = list_parameters, .handle = list_exports },
	{ 0 },
};
