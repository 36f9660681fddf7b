#include "base/clock.h"
#include "index/index_es.h"

#include <string.h>
#include <time.h>

#define REMEDY "; strongroom-workerd or `strongroom reindex` makes the index anew"

/* Settings, analysis and mappings: see its text. */
static const char template_text[] =
#include "schema/elasticsearch/emails.inc"
	;

/* ---- which product ---- */

static const char *const distribution_path[] = { "version", "distribution" }, *const number_path[] = { "version", "number" };

static const char *string_at(const cJSON *json, const char *const path[2])
{
	const char *value = "";

	json_get_str(cJSON_GetObjectItemCaseSensitive(json, path[0]), path[1], &value);
	return value;
}

/* Of the node that answers: "8.13.4". Caller frees; NULL: it does not say. */
static char *ask_node_version(struct es_client *c, struct err *e)
{
	const struct es_request r = { .method = "GET", .path = "/_nodes/_local?filter_path=nodes.*.version", .quick = true };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };
	const char *version = "";

	if (es_demand(c, &r, &a, e))
		return NULL;
	const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(a.json, "nodes");

	json_get_str(nodes ? nodes->child : NULL, "version", &version);
	return mem_strdup(version);
}

/* Where GET / is not allowed, what a server says on every answer tells as much. */
static int identify(struct es_client *c, bool *elasticsearch_r, char **version_r, struct err *e)
{
	const struct es_request r = { .method = "GET", .path = "/", .quick = true };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (es_call(c, &r, &a, e))
		return -1;
	if (a.status == 401 || a.status == 403 || a.status == 429 || a.status >= 500)
		return es_fail(&a, &r, e);
	*elasticsearch_r = a.elasticsearch;
	if (a.status == 200 && strcmp(string_at(a.json, distribution_path), "opensearch") == 0)
		*version_r = mem_strdup(string_at(a.json, number_path));
	else if (a.elasticsearch && a.status == 200)
		*version_r = mem_strdup(string_at(a.json, number_path));
	else if (a.elasticsearch)
		return (*version_r = ask_node_version(c, e)) ? 0 : -1;
	else
		return err_temporary(e, "[es] hosts: what answers there is neither Elasticsearch nor OpenSearch");
	return 0;
}

int es_check_product(struct es_client *c, bool *elasticsearch_r, struct err *e)
{
	_free_ char *version = NULL;
	bool elasticsearch = false;
	int known = identify(c, &elasticsearch, &version, e);

	*elasticsearch_r = elasticsearch;
	if (known)
		return -1;
	if (atoi(version) < (elasticsearch ? 8 : 2))
		return err_temporary(e, "[es] hosts: %s %s is too old: it takes Elasticsearch 8 or OpenSearch 2, or later",
			elasticsearch ? "Elasticsearch" : "OpenSearch", *version ? version : "of no version");
	return 0;
}

/* ---- the template ---- */

static cJSON *member(cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void set_number(cJSON *object, const char *name, uint64_t value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	json_add_u64(object, name, value);
}

static cJSON *index_settings(cJSON *template)
{
	return member(member(member(template, "template"), "settings"), "index");
}

/* Settings and mappings of an index, with the numbers of the configuration. */
static cJSON *make_template(const struct es *s)
{
	struct err e;
	cJSON *template = json_parse(template_text, sizeof(template_text) - 1, &e);

	if (!template)
		abort(); /* it is ours */
	cJSON *index = index_settings(template);

	set_number(index, "number_of_shards", s->conf->es_shards);
	set_number(index, "number_of_replicas", s->conf->es_replicas);
	return template;
}

static cJSON *make_aliases(const struct es *s)
{
	cJSON *aliases = cJSON_CreateObject();

	json_add_item(aliases, s->alias, cJSON_CreateObject());
	return aliases;
}

int es_put_template(struct es *s, struct err *e)
{
	_json_ cJSON *template = make_template(s);
	_free_ char *path = mem_printf("/_index_template/%s", s->alias), *pattern = mem_printf("%s-2*", s->alias);
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	cJSON_AddItemToArray(member(template, "index_patterns"), cJSON_CreateString(pattern));
	json_add_item(member(template, "template"), "aliases", make_aliases(s));
	_free_ char *text = json_print(template);
	const struct es_request r = { .method = "PUT", .path = path, .body = text, .body_len = strlen(text) };

	return es_demand(s->client, &r, &a, e);
}

/* ---- indices ---- */

char *es_month(char month[ES_MONTH_SIZE], int64_t us)
{
	time_t seconds = (time_t)(us / CLOCK_SECOND);
	struct tm t;

	gmtime_r(&seconds, &t);
	snprintf(month, ES_MONTH_SIZE, "%04d.%02d", (t.tm_year + 1900) % 10000, (t.tm_mon + 1) % 100);
	return month;
}

char *es_index_name(char name[ES_NAME_SIZE], const struct es *s, const struct uuid *id)
{
	char month[ES_MONTH_SIZE];

	snprintf(name, ES_NAME_SIZE, "%.200s-%s", s->prefix, es_month(month, uuid_time_us(id)));
	return name;
}

static bool is_known(struct es *s, const char *name)
{
	pthread_mutex_lock(&s->lock);
	bool known = strv_has(&s->known, name);

	pthread_mutex_unlock(&s->lock);
	return known;
}

static void note_known(struct es *s, const char *name)
{
	pthread_mutex_lock(&s->lock);
	strv_add_unique(&s->known, name);
	pthread_mutex_unlock(&s->lock);
}

/* 1 when there is an index or an alias of that name, 0, -1. */
static int is_there(struct es *s, const char *name, struct err *e)
{
	_free_ char *path = mem_printf("/%s/_alias?filter_path=*.aliases", name);
	const struct es_request r = { .method = "GET", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (es_call(s->client, &r, &a, e))
		return -1;
	if (a.status == 404)
		return 0;
	return a.status == 200 ? 1 : es_fail(&a, &r, e);
}

/* The indices of a rebuild bear no alias until they are whole. */
static int make_index(struct es *s, const char *name, struct err *e)
{
	_json_ cJSON *template = make_template(s);
	cJSON *body = member(template, "template");
	_free_ char *path = mem_printf("/%s", name);
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (s->rebuilds) {
		set_number(index_settings(template), "number_of_replicas", 0);
		cJSON_DeleteItemFromObjectCaseSensitive(index_settings(template), "refresh_interval");
		json_add_str(index_settings(template), "refresh_interval", "-1");
	} else {
		json_add_item(body, "aliases", make_aliases(s));
	}
	_free_ char *text = json_print(body);
	const struct es_request r = { .method = "PUT", .path = path, .body = text, .body_len = strlen(text) };

	if (es_call(s->client, &r, &a, e))
		return -1;
	if (a.status == 200 || strcmp(es_error_type(a.json), "resource_already_exists_exception") == 0)
		return 0;
	return es_fail(&a, &r, e);
}

int es_need_index(struct es *s, const char *name, struct err *e)
{
	if (is_known(s, name))
		return 0;
	int there = is_there(s, name, e);

	if (there < 0 || (there == 0 && make_index(s, name, e)))
		return -1;
	note_known(s, name);
	return 0;
}

int es_settle_indices(struct es *s, struct err *e)
{
	_json_ cJSON *template = make_template(s), *settings = cJSON_CreateObject();
	_free_ char *path = mem_printf("/%s-*/_settings", s->prefix);
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	json_add_item(settings, "number_of_replicas", cJSON_Duplicate(member(index_settings(template), "number_of_replicas"), true));
	json_add_item(settings, "refresh_interval", cJSON_Duplicate(member(index_settings(template), "refresh_interval"), true));
	_free_ char *text = json_print(settings);
	const struct es_request r = { .method = "PUT", .path = path, .body = text, .body_len = strlen(text) };

	return es_demand(s->client, &r, &a, e);
}

static int check_versions(const struct es *s, const cJSON *indices, struct err *e)
{
	const cJSON *index;

	cJSON_ArrayForEach(index, indices)
	{
		const cJSON *meta = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(index, "mappings"), "_meta");
		uint64_t version = 0;

		json_get_u64(meta, "strongroom", &version);
		if (version != ES_SCHEMA_VERSION)
			return err_permanent(e, "open(%s) failed: the index %s is not of this version of Strongroom" REMEDY, s->alias,
				index->string);
	}
	return 0;
}

int es_check_indices(struct es *s, struct err *e)
{
	_free_ char *path = mem_printf("/%s/_mapping?filter_path=*.mappings._meta", s->alias);
	const struct es_request r = { .method = "GET", .path = path, .quick = true };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (es_call(s->client, &r, &a, e))
		return -1;
	if (a.status == 404)
		return err_permanent(e, "open(%s) failed: there is no such alias" REMEDY, s->alias);
	if (a.status != 200 || !a.json)
		return es_fail(&a, &r, e);
	return check_versions(s, a.json, e);
}
