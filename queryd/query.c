#include "queryd/query.h"

#include "base/clock.h"
#include "index/index.h"
#include "meta/saved_search.h"
#include "queryd/audit.h"
#include "queryd/body.h"
#include "queryd/facets.h"

#include <string.h>

void search_request_deinit(struct search_request *r)
{
	query_freep(&r->query);
	free(r->mailbox);
	free(r->department);
	free(r->cursor);
	free(r->text);
	*r = (struct search_request){ 0 };
}

/* A copy of a string member; NULL when it is absent. body_read() has checked the type. */
static char *copy_text(const cJSON *body, const char *name)
{
	const char *value;

	return json_get_str(body, name, &value) == 1 ? mem_strdup(value) : NULL;
}

static int read_time(struct call *c, const cJSON *body, const char *name, int64_t *us_r)
{
	const char *text;

	if (json_get_str(body, name, &text) != 1 || clock_parse(us_r, text) == 0)
		return 0;
	response_problem_at(&c->response, name, -1, "This must be an RFC 3339 time such as 2026-11-22T17:31:00Z, or a day.");
	return -1;
}

static int read_limit(struct call *c, const cJSON *body, size_t *limit_r)
{
	uint64_t limit = SEARCH_LIMIT_STANDARD;

	if (json_get_u64(body, "limit", &limit) < 0 || limit < 1 || limit > INDEX_PAGE_MAX) {
		response_problem_at(&c->response, "limit", -1, "This must be a whole number from 1 to %d.", INDEX_PAGE_MAX);
		return -1;
	}
	*limit_r = limit;
	return 0;
}

static int read_query(struct call *c, const cJSON *body, struct query **q_r)
{
	struct query_error error;
	const char *text = "";

	if (json_get_str(body, "query", &text) < 0)
		return -1;
	if (query_parse(q_r, text, &error) == 0)
		return 0;
	response_problem_at(&c->response, "query", (int64_t)error.position, "%s", error.text);
	return -1;
}

static int read_facets(struct call *c, const cJSON *body, unsigned *wanted_r)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };

	body_strings(body, "facets", &list);
	return facets_read(c, &list, wanted_r);
}

int search_filters_read(struct call *c, const cJSON *body, struct search_request *r_r)
{
	*r_r = (struct search_request){ .after_us = INT64_MIN, .before_us = INT64_MAX };
	if (read_time(c, body, "after", &r_r->after_us) < 0 || read_time(c, body, "before", &r_r->before_us) < 0 ||
		read_query(c, body, &r_r->query) < 0)
		return -1;
	r_r->mailbox = copy_text(body, "mailbox");
	r_r->department = copy_text(body, "department");
	return 0;
}

#define FIELDS_OF_A_SEARCH \
	{ .name = "query", .type = BODY_STRING }, /* query_parse() says where it is too long */ \
	{ .name = "mailbox", .type = BODY_STRING, .max = SEARCH_MAILBOX_MAX }, \
	{ .name = "department", .type = BODY_STRING, .max = SEARCH_DEPARTMENT_MAX }, \
	{ .name = "after", .type = BODY_STRING }, \
	{ .name = "before", .type = BODY_STRING }, \
	{ .name = "limit", .type = BODY_INTEGER }, \
	{ .name = "facets", .type = BODY_STRINGS, .max = 32, .items = FACETS }

/* All but the cursor. */
static int read_search(struct call *c, const cJSON *body, struct search_request *r_r)
{
	return search_filters_read(c, body, r_r) < 0 || read_limit(c, body, &r_r->limit) < 0 ||
		read_facets(c, body, &r_r->facets) < 0 ? -1 : 0;
}

int search_request_check(struct call *c, const cJSON *request)
{
	static const struct body_field fields[] = { FIELDS_OF_A_SEARCH, { 0 } };
	CLEANUP(search_request_deinit) struct search_request r = { 0 };

	return body_check(c, request, fields) < 0 ? -1 : read_search(c, request, &r);
}

/* ---- a saved search ---- */

/* Who asks for one that is not his is on record with it. */
static void refuse_saved(struct call *c, const char *name)
{
	_json_ cJSON *j = cJSON_CreateObject();

	json_add_str(j, "saved", name);
	_free_ char *detail = json_print(j);

	if (audit_intent_signed_in(c, detail) == 0)
		response_problem(&c->response, 404, "There is no such saved search.");
}

/* The one that is named: the account's own, or one of its cases. -1: the response is set. */
static int find_saved(struct call *c, const char *name, struct saved_search *s_r)
{
	struct uuid id;
	struct err e;
	int found = uuid_parse(&id, name) < 0 ? 0 : meta_saved_search_get_to_run(c->service->meta, c->account.id, &id, s_r, &e);

	if (found > 0)
		return 0;
	if (found < 0) {
		log_error(&c->log, "%s", e.text);
		response_unavailable(&c->response, "Saved searches can't be read at the moment.");
	} else {
		refuse_saved(c, name);
	}
	return -1;
}

/* What is looked for is what was saved; the page and the facets may be others. */
static int check_alone(struct call *c, const cJSON *body)
{
	static const char *const saved[] = { "query", "mailbox", "department", "after", "before" };

	for (size_t i = 0; i < ARRAY_LEN(saved); i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, saved[i]);

		if (item && !cJSON_IsNull(item)) {
			response_problem_at(&c->response, saved[i], -1, "The saved search says this already.");
			return -1;
		}
	}
	return 0;
}

/* Replaces *body by the search that it names, if it does. */
static int take_saved(struct call *c, cJSON **body)
{
	CLEANUP(saved_search_deinit) struct saved_search s = { 0 };
	const char *name = body_string(*body, "saved");
	struct err e;

	if (!name)
		return 0;
	if (check_alone(c, *body) < 0 || find_saved(c, name, &s) < 0)
		return -1;
	_json_ cJSON *own = *body;
	cJSON *whole = json_parse(s.request, strlen(s.request), &e);

	*body = whole ? whole : cJSON_CreateObject(); /* it was checked before it was kept */
	for (cJSON *item = own->child; item; item = item->next)
		if (!cJSON_IsNull(item)) {
			cJSON_DeleteItemFromObjectCaseSensitive(*body, item->string);
			json_add_item(*body, item->string, cJSON_Duplicate(item, true));
		}
	return 0;
}

int search_request_read(struct call *c, struct search_request *r_r)
{
	static const struct body_field fields[] = {
		FIELDS_OF_A_SEARCH,
		{ .name = "cursor", .type = BODY_STRING, .max = SEARCH_CURSOR_MAX },
		{ .name = "saved", .type = BODY_STRING },
		{ 0 },
	};
	_json_ cJSON *body = body_read(c, fields);

	if (!body || take_saved(c, &body) < 0 || read_search(c, body, r_r) < 0)
		return -1;
	r_r->cursor = copy_text(body, "cursor");
	r_r->text = json_print(body);
	return 0;
}
