#include "queryd/coverage.h"

#include "base/clock.h"

static int count_archived(struct call *c, const struct scope *scope, struct meta_coverage *counted_r, struct err *e)
{
	int64_t began_us = clock_monotonic_us();

	if (counts_find(c->service->counts, scope, began_us, counted_r))
		return 0;
	if (meta_coverage(c->service->meta, scope, counted_r, e) < 0)
		return -1;
	counts_keep(c->service->counts, scope, began_us, clock_monotonic_us(), counted_r);
	return 0;
}

/* ---- what the index did not take in ---- */

static int count_matches(struct index *index, const struct scope *scope, const struct query *q, uint64_t *n_r, bool *exact,
	struct err *e)
{
	const struct index_request r = { .query = q, .limit = 1, .count_us = INDEX_COUNT_US };
	struct index_page page;

	if (index_search(index, scope, &r, &page, e) < 0)
		return -1;
	*n_r = page.total;
	*exact &= page.total_exact;
	index_page_deinit(&page);
	return 0;
}

/* Mostly there are none of either kind. */
static int count_incomplete(struct index *index, const struct scope *scope, struct counts_incomplete *n_r, struct err *e)
{
	struct query truncated = { .op = QUERY_IS, .mark = MARK_TRUNCATED };
	struct query unreadable = { .op = QUERY_IS, .mark = MARK_UNREADABLE };
	const struct query either = { .op = QUERY_OR, .left = &truncated, .right = &unreadable };
	uint64_t any;

	*n_r = (struct counts_incomplete){ .exact = true };
	if (count_matches(index, scope, &either, &any, &n_r->exact, e) < 0)
		return -1;
	if (!any)
		return 0;
	return count_matches(index, scope, &truncated, &n_r->truncated, &n_r->exact, e) < 0 ||
		count_matches(index, scope, &unreadable, &n_r->unreadable, &n_r->exact, e) < 0 ? -1 : 0;
}

/* false when the index can't tell. */
static bool find_incomplete(struct call *c, struct index *index, const struct scope *scope, const struct meta_coverage *archived,
	struct counts_incomplete *n_r)
{
	struct err e;

	if (counts_find_incomplete(c->service->counts, scope, clock_monotonic_us(), archived, n_r))
		return true;
	if (count_incomplete(index, scope, n_r, &e) < 0) {
		log_warn(&c->log, "%s", e.text);
		return false;
	}
	counts_keep_incomplete(c->service->counts, scope, clock_monotonic_us(), archived, n_r);
	return true;
}

static void add_incomplete(cJSON *object, const struct counts_incomplete *n, bool known)
{
	if (known) {
		json_add_u64(object, "truncated", n->truncated);
		json_add_u64(object, "unreadable", n->unreadable);
		json_add_bool(object, "exact", n->exact);
	} else {
		cJSON_AddNullToObject(object, "truncated");
		cJSON_AddNullToObject(object, "unreadable");
		json_add_bool(object, "exact", false);
	}
}

static void add_generation(struct call *c, struct index *index, cJSON *object)
{
	char generation[INDEX_GENERATION_SIZE];
	struct err e;

	if (index_generation(index, generation, &e) == 0) {
		json_add_str(object, "generation", generation);
		return;
	}
	log_warn(&c->log, "%s", e.text);
	cJSON_AddNullToObject(object, "generation");
}

int coverage_add(struct call *c, struct index *index, const struct scope *scope, cJSON *answer, struct err *e)
{
	struct counts_incomplete incomplete = { 0 };
	struct meta_coverage archived;

	if (count_archived(c, scope, &archived, e) < 0)
		return -1;
	bool known = find_incomplete(c, index, scope, &archived, &incomplete);
	cJSON *object = cJSON_CreateObject();

	json_add_u64(object, "in_scope", archived.in_scope);
	json_add_u64(object, "not_indexed", archived.not_indexed);
	add_incomplete(object, &incomplete, known);
	add_generation(c, index, object);
	json_add_item(answer, "coverage", object);
	return 0;
}
