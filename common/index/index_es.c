#include "index/index_es.h"

#include "base/clock.h"
#include "base/str.h"

#include <string.h>

#define IDS_AT_ONCE 500

/* ---- making one ---- */

/* What Elasticsearch takes as the name of an alias and, with a month behind it, of an index. */
static int check_alias(const char *alias, struct err *e)
{
	if (strlen(alias) > 100 || alias[strspn(alias, "abcdefghijklmnopqrstuvwxyz0123456789._-")] || strchr("._-", *alias))
		return err_permanent(e,
			"index(es:%s) failed: write a name of small letters, digits, '.', '_' and '-' that begins with one of the first two",
			alias);
	return 0;
}

int es_new(struct es **s_r, const struct conf *conf, const char *alias, enum index_mode mode, struct err *e)
{
	CLEANUP(es_freep) struct es *s = MEM_NEW(struct es);
	bool elasticsearch;

	s->base = (struct index){ .driver = &index_es_driver, .mode = mode };
	s->conf = conf;
	s->alias = mem_strdup(*alias ? alias : ES_ALIAS);
	s->prefix = mem_strdup(s->alias);
	pthread_mutex_init(&s->lock, NULL);
	if (check_alias(s->alias, e) || es_client_new(&s->client, conf, e) || es_check_product(s->client, &elasticsearch, e))
		return -1;
	s->pits = es_pits_new(s->client, s->alias, elasticsearch);
	*s_r = s;
	s = NULL;
	return 0;
}

void es_freep(struct es **s)
{
	if (!*s)
		return;
	es_pits_freep(&(*s)->pits);
	es_client_freep(&(*s)->client);
	strv_deinit(&(*s)->known);
	strv_deinit(&(*s)->written);
	pthread_mutex_destroy(&(*s)->lock);
	free((*s)->alias);
	free((*s)->prefix);
	free((*s)->state);
	free(*s);
	*s = NULL;
}

/* ---- opening ---- */

/* With the index of this month the alias is there, too. */
static int create(const struct conf *conf, const char *where, struct err *e)
{
	CLEANUP(es_freep) struct es *s = NULL;
	struct uuid now = uuid_new(clock_now_us());
	char name[ES_NAME_SIZE];

	if (es_new(&s, conf, where, INDEX_WRITE, e) || es_put_template(s, e))
		return -1;
	return es_need_index(s, es_index_name(name, s, &now), e);
}

static int open_index(struct index **i_r, const struct conf *conf, const char *where, enum index_mode mode, struct err *e)
{
	CLEANUP(es_freep) struct es *s = NULL;

	if (es_new(&s, conf, where, mode, e) || es_check_indices(s, e))
		return -1;
	*i_r = &s->base;
	s = NULL;
	return 0;
}

static void close_index(struct index *i)
{
	struct es *s = es_of(i);

	es_freep(&s);
}

/* A cluster knows and says itself when it has lost something: searches fail. */
static bool is_damaged(const struct conf *conf, const char *where)
{
	(void)conf, (void)where;
	return false;
}

/* ---- small answers ---- */

static int count(struct es *s, const char *options, uint64_t *n_r, struct err *e)
{
	_free_ char *path = mem_printf("/%s/_count%s", s->alias, options);
	const struct es_request r = { .method = "GET", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (es_demand(s->client, &r, &a, e) || es_check_shards(&a, &r, e))
		return -1;
	if (json_get_u64(a.json, "count", n_r) <= 0)
		return err_temporary(e, "index_count(%s) failed: the answer makes no sense", s->alias);
	return 0;
}

static int count_docs(struct index *i, uint64_t *n_r, struct err *e)
{
	return count(es_of(i), "", n_r, e);
}

static int ready(struct index *i, struct err *e)
{
	uint64_t any;

	return count(es_of(i), "?terminate_after=1", &any, e);
}

static void put_ids(struct es_json *j, const struct uuid *ids, size_t n)
{
	es_put(j, "{\"query\":{\"ids\":{\"values\":[");
	for (size_t k = 0; k < n; k++) {
		char text[UUID_TEXT_SIZE];

		es_put(j, k ? "," : "");
		es_put_string(j, uuid_format(text, &ids[k]), UUID_TEXT_SIZE - 1);
	}
	es_put(j, "]}},\"_source\":false,\"size\":");
	es_put_number(j, (int64_t)n);
	es_put(j, "}");
}

static void mark_present(const cJSON *json, const struct uuid *ids, size_t n, bool *present_r)
{
	const cJSON *hit;

	memset(present_r, 0, n * sizeof(*present_r));
	cJSON_ArrayForEach(hit, cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "hits"), "hits"))
	{
		const char *text = "";
		struct uuid id;

		json_get_str(hit, "_id", &text);
		if (uuid_parse(&id, text))
			continue;
		for (size_t k = 0; k < n; k++)
			present_r[k] |= memcmp(id.bytes, ids[k].bytes, UUID_SIZE) == 0;
	}
}

static int has_some(struct es *s, const struct uuid *ids, size_t n, bool *present_r, struct err *e)
{
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
	_free_ char *path = mem_printf("/%s/_search?allow_partial_search_results=false", s->alias);
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	put_ids(&j, ids, n);
	const struct es_request r = { .method = "POST", .path = path, .body = j.text.data, .body_len = j.text.len };

	if (es_demand(s->client, &r, &a, e) || es_check_shards(&a, &r, e))
		return -1;
	mark_present(a.json, ids, n, present_r);
	return 0;
}

static int has_docs(struct index *i, const struct uuid *ids, size_t n, bool *present_r, struct err *e)
{
	for (size_t from = 0; from < n; from += IDS_AT_ONCE) {
		size_t some = n - from < IDS_AT_ONCE ? n - from : IDS_AT_ONCE;

		if (has_some(es_of(i), ids + from, some, present_r + from, e))
			return -1;
	}
	return 0;
}

const struct index_driver index_es_driver = {
	.scheme = "es",
	.create = create,
	.open = open_index,
	.close = close_index,
	.add = es_add,
	.remove = es_remove,
	.sync = es_sync,
	.search = es_search,
	.generation = es_generation,
	.has = has_docs,
	.count = count_docs,
	.ready = ready,
	.is_damaged = is_damaged,
	.rebuild_begin = es_rebuild_begin,
	.rebuild_note = es_rebuild_note,
	.rebuild_finish = es_rebuild_finish,
	.rebuild_suspend = es_rebuild_suspend,
	.rebuild_abandon = es_rebuild_abandon,
};
