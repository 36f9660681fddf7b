#include "queryd/search.h"

#include "base/clock.h"
#include "meta/catalog.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/present.h"
#include "queryd/query.h"

static void fail(struct call *c, const struct err *e, const char *detail)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, detail);
}

/* A page of hits is answered from memory: whoever sends mail must not decide how much. */
#define HIT_SUBJECT_MAX 1000
static const struct present_limits hit_limits = { .people = 50, .text = 500 };

static cJSON *present_hit(const struct message_row *row, const char *snippet)
{
	cJSON *j = cJSON_CreateObject();
	size_t omitted = 0;

	present_id(j, "id", &row->id);
	present_time(j, "received_at", row->received_us);
	present_date(j, "date", row);
	omitted += present_people(j, "from", row, ROLE_FROM, &hit_limits);
	omitted += present_people(j, "to", row, ROLE_TO, &hit_limits);
	omitted += present_people(j, "cc", row, ROLE_CC, &hit_limits);
	json_add_u64(j, "people_omitted", omitted);
	present_text(j, "subject", row->subject, HIT_SUBJECT_MAX);
	json_add_str(j, "snippet", snippet);
	json_add_u64(j, "attachment_count", row->attachment_count);
	json_add_u64(j, "size", row->size);
	return j;
}

static int add_hits(struct call *c, const struct scope *scope, const struct index_page *page, cJSON *hits, struct err *e)
{
	for (size_t i = 0; i < page->n; i++) {
		CLEANUP(message_row_deinit) struct message_row row = { 0 };
		int found = meta_message_get(c->service->meta, scope, &page->hits[i].id, &row, e);

		if (found < 0)
			return -1;
		if (found)
			cJSON_AddItemToArray(hits, present_hit(&row, page->hits[i].snippet));
	}
	return 0;
}

/* Of the scope, now or a moment ago (queryd/counts.h). */
static int count(struct call *c, const struct scope *scope, struct meta_coverage *counted_r, struct err *e)
{
	int64_t began_us = clock_monotonic_us();

	if (counts_find(c->service->counts, scope, began_us, counted_r))
		return 0;
	if (meta_coverage(c->service->meta, scope, counted_r, e) < 0)
		return -1;
	counts_keep(c->service->counts, scope, began_us, clock_monotonic_us(), counted_r);
	return 0;
}

static void add_coverage(cJSON *j, const struct meta_coverage *coverage)
{
	cJSON *object = cJSON_CreateObject();

	json_add_u64(object, "in_scope", coverage->in_scope);
	json_add_u64(object, "not_indexed", coverage->not_indexed);
	json_add_item(j, "coverage", object);
}

static void answer(struct call *c, const struct scope *scope, const struct index_page *page)
{
	_json_ cJSON *j = cJSON_CreateObject();
	cJSON *hits = cJSON_CreateArray();
	struct meta_coverage coverage;
	struct err e;

	json_add_u64(j, "total", page->total);
	json_add_bool(j, "total_exact", page->total_exact);
	json_add_item(j, "hits", hits);
	json_add_str(j, "next_cursor", page->next);
	if (count(c, scope, &coverage, &e) < 0 || add_hits(c, scope, page, hits, &e) < 0) {
		fail(c, &e, "The archive's database can't be read at the moment.");
		return;
	}
	add_coverage(j, &coverage);
	uint64_t given = (uint64_t)cJSON_GetArraySize(hits);

	response_json(&c->response, j);
	c->response.count = given;
	j = NULL;
}

static void run(struct call *c, const struct search_request *r)
{
	CLEANUP(scope_freep) struct scope *scope = NULL;
	CLEANUP(index_page_deinit) struct index_page page = { 0 };
	const struct index_request request = { .query = r->query, .limit = r->limit, .cursor = r->cursor,
		.count_us = INDEX_COUNT_US };
	struct err e;

	if (authz_search_scope(c, r, &scope, &e) < 0) {
		fail(c, &e, "Accounts can't be read at the moment.");
		return;
	}
	struct index *index = service_index(c->service, &e);

	if (index && index_search(index, scope, &request, &page, &e) == 0)
		answer(c, scope, &page);
	else if (index && e.class == ERR_PERMANENT)
		response_problem_at(&c->response, r->cursor ? "cursor" : "query", -1,
			r->cursor ? "This is no cursor of this search." : "The index can't run this query.");
	else
		fail(c, &e, "The search index is not available at the moment; messages can still be read by their id.");
}

static void search_emails(struct call *c)
{
	CLEANUP(search_request_deinit) struct search_request r = { 0 };

	if (search_request_read(c, &r) < 0 || audit_intent_signed_in(c, r.text) < 0)
		return;
	run(c, &r);
}

const struct route search_routes[] = {
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/search/emails/",
		.permission = "ARCHIVE_SEARCH",
		.action = "search",
		.fresh = true,
		.body_max = ROUTE_BODY_JSON,
		.handle = search_emails },
	{ 0 },
};
