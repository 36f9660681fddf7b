#include "queryd/search.h"

#include "meta/audit.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/coverage.h"
#include "queryd/facets.h"
#include "queryd/hit.h"
#include "queryd/query.h"

static void fail(struct call *c, const struct err *e, const char *detail)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, detail);
}

static int add_hits(struct call *c, const struct scope *scope, const struct index_page *page, cJSON *hits, struct err *e)
{
	_free_ const char **snippets = MEM_ARRAY(const char *, page->n);
	_free_ struct uuid *ids = MEM_ARRAY(struct uuid, page->n);
	_free_ struct hit *found = MEM_ARRAY(struct hit, page->n);
	size_t n;

	for (size_t i = 0; i < page->n; i++) {
		ids[i] = page->hits[i].id;
		snippets[i] = page->hits[i].snippet;
	}
	if (hits_read(c, scope, ids, snippets, page->n, found, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(hits, found[i].json);
	return 0;
}

static void answer(struct call *c, struct index *index, const struct scope *scope, const struct search_request *r,
	const struct facets *f, struct index_page *page)
{
	_json_ cJSON *j = cJSON_CreateObject();
	cJSON *hits = cJSON_CreateArray();
	struct err e;

	json_add_u64(j, "total", page->total);
	json_add_bool(j, "total_exact", page->total_exact);
	json_add_item(j, "hits", hits);
	json_add_str(j, "next_cursor", page->next);
	if (coverage_add(c, index, scope, j, &e) < 0 || add_hits(c, scope, page, hits, &e) < 0) {
		fail(c, &e, "The archive's database can't be read at the moment.");
		return;
	}
	facets_add(c, f, r, page, j);
	uint64_t given = (uint64_t)cJSON_GetArraySize(hits);

	response_json(&c->response, j);
	c->response.count = given;
	j = NULL;
}

static void run(struct call *c, const struct search_request *r, const struct scope *scope)
{
	CLEANUP(index_page_deinit) struct index_page page = { 0 };
	CLEANUP(facets_deinit) struct facets facets;
	const struct index_request request = { .query = r->query, .limit = r->limit, .cursor = r->cursor,
		.count_us = INDEX_COUNT_US, .facets = facets_ask(c, scope, r, &facets) };
	struct err e;
	struct index *index = service_index(c->service, &e);

	if (index && index_search(index, scope, &request, &page, &e) == 0)
		answer(c, index, scope, r, &facets, &page);
	else if (index && e.class == ERR_PERMANENT)
		response_problem_at(&c->response, r->cursor ? "cursor" : "query", -1,
			r->cursor ? "This is no cursor of this search." : "The index can't run this query.");
	else
		fail(c, &e, "The search index is not available at the moment; messages can still be read by their id.");
}

/* The audit keeps which mailboxes the search could reach (scope NULL: none). */
static int record_intent(struct call *c, const struct search_request *r, const struct scope *scope)
{
	char *all[] = { (char[]){ AUDIT_ALL_MAILBOXES } };
	const struct strv everything = { all, 1 };

	if (!scope)
		return audit_intent_signed_in(c, r->text);
	return audit_intent_looking(c, r->text, scope_is_all(scope) ? &everything : scope_mailboxes(scope));
}

static void search_emails(struct call *c)
{
	CLEANUP(search_request_deinit) struct search_request r = { 0 };

	CLEANUP(scope_freep) struct scope *scope = NULL;
	struct err e;

	if (search_request_read(c, &r) < 0)
		return;
	int scoped = authz_search_scope(c, &r, &scope, &e);

	if (record_intent(c, &r, scope) < 0)
		return;
	if (scoped < 0)
		fail(c, &e, "Accounts can't be read at the moment.");
	else
		run(c, &r, scope);
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
