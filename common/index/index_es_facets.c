/* Facets at a server: one aggregation a facet, in the request for the first page. */
#include "base/hex.h"
#include "index/facets.h"
#include "index/index_es.h"
#include "index/mailbox_digest.h"
#include "index/tokenize.h"

#include <inttypes.h>
#include <stdio.h>

/* Of each shard: the more, the rarer is a value missing that only all shards together make frequent. */
#define SHARD_VALUES 2000

#define GROUP_NAME_SIZE 24

static const struct {
	const char *name, *field;
} facets[FACETS] = {
	[FACET_SENDER] = { "sender", "sender" },
	[FACET_DEPARTMENT] = { "department", NULL },
	[FACET_MONTH] = { "month", "month" },
	[FACET_ATTACHMENT_TYPE] = { "attachment_type", "attachment_type" },
};

/* ---- the request ---- */

static void put_terms(struct es_json *j, enum index_facet f)
{
	bool month = f == FACET_MONTH;

	es_put(j, "{\"terms\":{");
	es_put_name(j, "field");
	es_put_string(j, facets[f].field, strlen(facets[f].field));
	es_put_name(j, "size");
	es_put_number(j, month ? INDEX_FACET_MONTHS : INDEX_FACET_VALUES);
	es_put_name(j, "shard_size");
	es_put_number(j, SHARD_VALUES);
	es_put(j, month ? ",\"order\":{\"_key\":\"desc\"}}}" : ",\"order\":[{\"_count\":\"desc\"},{\"_key\":\"asc\"}]}}");
}

static char *group_name(char text[GROUP_NAME_SIZE], size_t group)
{
	snprintf(text, GROUP_NAME_SIZE, "%zu", group);
	return text;
}

/* A message may be of several mailboxes of a group: it counts once. */
static void put_groups(struct es_json *j, const struct index_facets_request *r)
{
	es_put(j, "{\"filters\":{\"filters\":{");
	for (size_t g = 0; g < r->group_count; g++) {
		char name[GROUP_NAME_SIZE];

		es_put_name(j, group_name(name, g));
		es_put_mailboxes(j, r->groups[g].mailboxes);
	}
	es_put(j, "}}}");
}

static bool is_asked(const struct index_facets_request *r, enum index_facet f)
{
	return r->wanted & 1u << f && (f != FACET_DEPARTMENT || r->group_count);
}

void es_put_facets(struct es_json *j, const struct index_facets_request *r)
{
	es_put_name(j, "aggs");
	es_put(j, "{");
	for (enum index_facet f = 0; f < FACETS; f++)
		if (is_asked(r, f)) {
			es_put_name(j, facets[f].name);
			if (f == FACET_DEPARTMENT)
				put_groups(j, r);
			else
				put_terms(j, f);
		}
	es_put(j, "}");
}

/* ---- the answer ---- */

static int senseless(const struct es *s, struct err *e)
{
	return err_temporary(e, "index_search(%s) failed: the answer makes no sense", s->alias);
}

/* The server has put them in order. */
static int take_terms(const struct es *s, const cJSON *terms, struct index_facet_list *list, struct err *e)
{
	const cJSON *buckets = cJSON_GetObjectItemCaseSensitive(terms, "buckets"), *bucket;
	uint64_t others = 0, uncertain = 0;

	if (!cJSON_IsArray(buckets))
		return senseless(s, e);
	list->values = MEM_ARRAY(struct index_value, (size_t)cJSON_GetArraySize(buckets));
	cJSON_ArrayForEach(bucket, buckets)
	{
		struct index_value *v = &list->values[list->n];
		const char *key;

		if (json_get_str(bucket, "key", &key) <= 0 || json_get_u64(bucket, "doc_count", &v->count) <= 0)
			return senseless(s, e);
		v->value = mem_strdup(key);
		list->n++;
	}
	json_get_u64(terms, "sum_other_doc_count", &others);
	json_get_u64(terms, "doc_count_error_upper_bound", &uncertain);
	list->more = others > 0;
	list->exact &= uncertain == 0;
	return 0;
}

static int take_groups(const struct es *s, const cJSON *aggregation, const struct index_facets_request *r,
	struct index_facet_list *list, struct err *e)
{
	const cJSON *buckets = cJSON_GetObjectItemCaseSensitive(aggregation, "buckets");
	_free_ uint64_t *counts = MEM_ARRAY(uint64_t, r->group_count);

	for (size_t g = 0; g < r->group_count; g++) {
		char name[GROUP_NAME_SIZE];

		if (json_get_u64(cJSON_GetObjectItemCaseSensitive(buckets, group_name(name, g)), "doc_count", &counts[g]) <= 0)
			return senseless(s, e);
	}
	facets_take_groups(r, counts, list);
	return 0;
}

int es_take_facets(const struct es *s, const cJSON *json, const struct index_facets_request *r, struct index_facets *f_r,
	struct err *e)
{
	const cJSON *aggregations = cJSON_GetObjectItemCaseSensitive(json, "aggregations");
	bool whole = !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "timed_out"));

	for (enum index_facet f = 0; f < FACETS; f++) {
		const cJSON *a = cJSON_GetObjectItemCaseSensitive(aggregations, facets[f].name);

		f_r->of[f].exact = whole;
		if (is_asked(r, f) && (f == FACET_DEPARTMENT ? take_groups(s, a, r, &f_r->of[f], e) : take_terms(s, a, &f_r->of[f], e)))
			return -1;
	}
	return 0;
}
