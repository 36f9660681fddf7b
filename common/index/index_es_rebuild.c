#include "base/clock.h"
#include "base/fault.h"
#include "index/index_es.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- which indices there are ---- */

/* The indices that a pattern or an alias stands for; with `bare` only those without the alias ALIAS. */
static int list_indices(struct es *s, const char *pattern, bool bare, struct strv *names_r, struct err *e)
{
	_free_ char *path = mem_printf("/%s/_alias", pattern);
	const struct es_request r = { .method = "GET", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };
	const cJSON *index;

	if (es_call(s->client, &r, &a, e))
		return -1;
	if (a.status == 404)
		return 0;
	if (a.status != 200 || !a.json)
		return es_fail(&a, &r, e);
	cJSON_ArrayForEach(index, a.json)
	{
		const cJSON *aliases = cJSON_GetObjectItemCaseSensitive(index, "aliases");

		if (!bare || !cJSON_GetObjectItemCaseSensitive(aliases, s->alias))
			strv_add(names_r, index->string);
	}
	return 0;
}

static int delete_indices(struct es *s, const struct strv *names, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		_free_ char *path = mem_printf("/%s", names->items[i]);
		const struct es_request r = { .method = "DELETE", .path = path };
		CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

		if (es_call(s->client, &r, &a, e))
			return -1;
		if (a.status != 200 && a.status != 404)
			return es_fail(&a, &r, e);
	}
	return 0;
}

/* What rebuilds that died left behind. */
static int delete_leftovers(struct es *s, struct err *e)
{
	struct strv names CLEANUP(strv_deinit) = { 0 };
	_free_ char *pattern = mem_printf("%s.*-*", s->alias);

	return list_indices(s, pattern, true, &names, e) ? -1 : delete_indices(s, &names, e);
}

/* ---- beginning ---- */

static void set_prefix(struct es *s)
{
	time_t now = (time_t)(clock_now_us() / CLOCK_SECOND);
	char when[32];
	struct tm t;

	gmtime_r(&now, &t);
	strftime(when, sizeof(when), "%Y%m%dt%H%M%S", &t);
	free(s->prefix);
	s->prefix = mem_printf("%s.%s", s->alias, when);
	s->rebuilds = true;
}

int es_rebuild_begin(struct index **fresh_r, const struct conf *conf, const char *where, struct err *e)
{
	CLEANUP(es_freep) struct es *s = NULL;
	struct uuid now = uuid_new(clock_now_us());
	char name[ES_NAME_SIZE];

	if (es_new(&s, conf, where, INDEX_WRITE, e) || es_put_template(s, e) || delete_leftovers(s, e))
		return -1;
	set_prefix(s);
	if (es_need_index(s, es_index_name(name, s, &now), e)) /* the alias has to stand for something */
		return -1;
	*fresh_r = &s->base;
	s = NULL;
	return 0;
}

/* ---- taking over ---- */

static int refresh(struct es *s, struct err *e)
{
	_free_ char *path = mem_printf("/%s-*/_refresh", s->prefix);
	const struct es_request r = { .method = "POST", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	return es_demand(s->client, &r, &a, e) || es_check_shards(&a, &r, e) ? -1 : 0;
}

static void put_action(struct es_json *j, const char *action, const char *index, const char *alias, size_t alias_len)
{
	if (j->text.data[j->text.len - 1] == '}')
		es_put(j, ",");
	es_put(j, "{");
	es_put_name(j, action);
	es_put(j, "{\"index\":");
	es_put_string(j, index, strlen(index));
	if (alias) {
		es_put(j, ",\"alias\":");
		es_put_string(j, alias, alias_len);
	}
	es_put(j, "}}");
}

/* A new index is found under the alias, and written to under the name that the month's index has always had. */
static void put_takeover(struct es_json *j, const struct es *s, const char *fresh)
{
	_free_ char *month = mem_printf("%s%s", s->alias, fresh + strlen(s->prefix));

	put_action(j, "add", fresh, s->alias, strlen(s->alias));
	put_action(j, "add", fresh, month, strlen(month));
}

/* All in one step: a search sees the old indices or the new. */
static int switch_alias(struct es *s, const struct strv *old, const struct strv *fresh, struct err *e)
{
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	es_put(&j, "{\"actions\":[");
	for (size_t i = 0; i < old->n; i++)
		put_action(&j, "remove_index", old->items[i], NULL, 0);
	for (size_t i = 0; i < fresh->n; i++)
		put_takeover(&j, s, fresh->items[i]);
	es_put(&j, "]}");
	const struct es_request r = { .method = "POST", .path = "/_aliases", .body = j.text.data, .body_len = j.text.len };

	return es_demand(s->client, &r, &a, e);
}

int es_rebuild_finish(struct index *fresh, struct err *e)
{
	struct es *s = es_of(fresh);
	struct strv old CLEANUP(strv_deinit) = { 0 }, names CLEANUP(strv_deinit) = { 0 };
	_free_ char *pattern = mem_printf("%s-*", s->prefix);

	if (FAULT("index-replace"))
		return err_temporary(e, "rename(%s) failed: as the test asked", s->alias);
	if (refresh(s, e) || list_indices(s, s->alias, false, &old, e) || list_indices(s, pattern, false, &names, e) ||
		switch_alias(s, &old, &names, e))
		return -1;
	es_freep(&s);
	return 0;
}

void es_rebuild_abandon(struct index *fresh)
{
	struct es *s = es_of(fresh);
	struct strv names CLEANUP(strv_deinit) = { 0 };
	_free_ char *pattern = mem_printf("%s-*", s->prefix);
	struct err ignored;

	if (list_indices(s, pattern, true, &names, &ignored) == 0)
		(void)!delete_indices(s, &names, &ignored); /* the next rebuild does it */
	es_freep(&s);
}
