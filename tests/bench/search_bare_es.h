/* search_bare_es: a search posted straight to the server of the index, Elasticsearch or OpenSearch: the same query within the
 * same scope, the same size, order and texts, counted as far, and one aggregation a facet in the same request. */
#ifndef BENCH_SEARCH_BARE_ES_H
#define BENCH_SEARCH_BARE_ES_H

#include "search_question.h"

#include "index/index_es.h"
#include "sys/json.h"

static const char *bare_path; /* of the alias */

static inline void open_bare_es(struct investigator *v, const char *hosts)
{
	const char *number = strrchr(hosts, ':');

	wire_connect(&v->engine, number ? (unsigned)strtoul(number + 1, NULL, 10) : 0, NULL);
	v->tokenizer = tokenizer_new();
}

/* facets: as queryd is asked for them, which are named as their fields are; departments are not among them. */
static inline void put_facets(struct es_json *j, const char *facets)
{
	struct err e;
	_json_ cJSON *list = json_parse(facets, strlen(facets), &e);
	const cJSON *name;

	es_put(j, ",\"aggs\":{");
	cJSON_ArrayForEach(name, list)
	{
		bool month = strcmp(name->valuestring, "month") == 0;

		es_put_name(j, name->valuestring);
		es_put(j, "{\"terms\":{\"field\":");
		es_put_string(j, name->valuestring, strlen(name->valuestring));
		es_put(j, month ? ",\"size\":600,\"shard_size\":2000,\"order\":{\"_key\":\"desc\"}}}" :
			",\"size\":50,\"shard_size\":2000,\"order\":[{\"_count\":\"desc\"},{\"_key\":\"asc\"}]}}");
	}
	es_put(j, "}");
}

static inline void put_question(struct es_json *j, struct investigator *v, const struct query *q, const char *after, const char *facets)
{
	es_put(j, "{\"query\":");
	es_put_query(j, q, v->scope, v->tokenizer);
	es_put(j, ",\"sort\":[{\"date\":\"desc\"},{\"id\":\"desc\"}],\"size\":");
	es_put_number(j, PAGE + 1);
	es_put(j, ",\"track_total_hits\":");
	es_put_number(j, INDEX_COUNT_MAX + 1);
	if (after) {
		es_put(j, ",\"search_after\":");
		es_put(j, after);
	}
	if (facets)
		put_facets(j, facets);
	es_put(j, "}");
}

/* What hits are sorted by tells how many there are, and where the page ends. */
static inline void take_hits(const char *body, struct outcome *o)
{
	static const char sort[] = "\"sort\":[";
	size_t n = 0;

	free(o->cursor);
	o->cursor = NULL;
	for (const char *at = body; (at = strstr(at, sort)) && ++n <= PAGE;) {
		at += sizeof(sort) - 2;
		if (n == PAGE)
			o->cursor = mem_dup(at, strcspn(at, "]") + 1);
	}
	o->more = n > PAGE;
	o->hits = o->more ? PAGE : n;
}

static inline void ask_bare_es(struct investigator *v, const char *text, const char *facets, struct outcome *o)
{
	static const char total[] = "\"total\":{\"value\":";
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
	CLEANUP(query_freep) struct query *q = NULL;
	struct query_error error;

	if (query_parse(&q, text, &error))
		die("bare", text);
	put_question(&j, v, q, o->cursor, facets);
	const char *body = wire_post(&v->engine, bare_path, "", j.text.data, j.text.len), *at = strstr(body, total);

	if (j.full || !at || !strstr(body, "\"timed_out\":false") || !strstr(body, "\"failed\":0"))
		die("bare", body);
	o->counted = strtoull(at + sizeof(total) - 1, NULL, 10);
	take_hits(body, o);
}

#endif
