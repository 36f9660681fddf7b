#include "base/clock.h"
#include "base/fault.h"
#include "index/index_es.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- which indices there are ---- */

/* Does text look like the shape, in which 0 stands for any digit? */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
			return false;
	return !*text;
}

/* What this alias stands for, or did: an archive of another name may have indices whose names begin alike. */
static bool is_rebuilt(const struct es *s, const char *index)
{
	size_t n = strlen(s->alias);

	return strncmp(index, s->alias, n) == 0 && has_shape(index + n, ".00000000t000000000-0000.00");
}

static bool is_plain(const struct es *s, const char *index)
{
	size_t n = strlen(s->alias);

	return strncmp(index, s->alias, n) == 0 && has_shape(index + n, "-0000.00");
}

/* Those of our indices that a pattern or an alias stands for; with `bare` only those without the alias ALIAS. */
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

		if ((is_rebuilt(s, index->string) || is_plain(s, index->string)) &&
			!(bare && cJSON_GetObjectItemCaseSensitive(aliases, s->alias)))
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

/* ---- how far a rebuild is ---- */

/* It stands in the mapping of one of the rebuild's own indices, so that any machine can go on with it. */
struct state {
	int64_t from_us, until_us;
	const char *version, *node;
	struct uuid done;
	int64_t noted_us;
};

#define ALIVE_US (60 * CLOCK_SECOND) /* since it was last noted: whoever did is taken to be at work */

static void put_state(struct es_json *j, const struct state *x)
{
	char id[UUID_TEXT_SIZE], noted[CLOCK_TEXT_SIZE];

	es_put(j, "{\"_meta\":{\"strongroom\":");
	es_put_number(j, ES_SCHEMA_VERSION);
	es_put(j, ",\"rebuild\":{\"from\":\"");
	es_put_number(j, x->from_us);
	es_put(j, "\",\"until\":\"");
	es_put_number(j, x->until_us);
	es_put(j, "\",\"done\":");
	es_put_string(j, uuid_format(id, &x->done), UUID_TEXT_SIZE - 1);
	es_put(j, ",\"noted\":");
	clock_format(noted, x->noted_us);
	es_put_string(j, noted, strlen(noted));
	es_put(j, ",\"version\":");
	es_put_string(j, x->version, strlen(x->version));
	es_put(j, ",\"node\":");
	es_put_string(j, x->node, strlen(x->node));
	es_put(j, "}}}");
}

static int put_meta(struct es *s, const struct es_json *j, struct err *e)
{
	_free_ char *path = mem_printf("/%s/_mapping", s->state);
	const struct es_request r = { .method = "PUT", .path = path, .body = j->text.data, .body_len = j->text.len };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	return es_demand(s->client, &r, &a, e);
}

int es_rebuild_note(struct index *fresh, const struct uuid *done, struct err *e)
{
	struct es *s = es_of(fresh);
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
	const struct state x = { .from_us = s->range.from_us, .until_us = s->range.until_us, .version = STRONGROOM_VERSION,
		.node = s->conf->node, .done = *done, .noted_us = clock_now_us() };

	put_state(&j, &x);
	return put_meta(s, &j, e);
}

static int64_t number_in(const cJSON *object, const char *name)
{
	const char *text = "";

	json_get_str(object, name, &text);
	return strtoll(text, NULL, 10);
}

/* 1 when this index tells how far its rebuild is; the texts are views. */
static bool read_state(const cJSON *index, struct state *x_r)
{
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(index, "mappings"), "_meta"),
		    *rebuild = cJSON_GetObjectItemCaseSensitive(meta, "rebuild");
	const char *done = "", *noted = "";
	uint64_t schema = 0;

	*x_r = (struct state){ .from_us = number_in(rebuild, "from"), .until_us = number_in(rebuild, "until") };
	json_get_u64(meta, "strongroom", &schema);
	return schema == ES_SCHEMA_VERSION && json_get_str(rebuild, "version", &x_r->version) > 0 &&
		json_get_str(rebuild, "node", &x_r->node) > 0 && json_get_str(rebuild, "done", &done) > 0 &&
		json_get_str(rebuild, "noted", &noted) > 0 && uuid_parse(&x_r->done, done) == 0 &&
		clock_parse(&x_r->noted_us, noted) == 0;
}

/* ---- beginning ---- */

/* The indices of a rebuild become ours: ALIAS.WHEN-MONTH. */
static void take_up(struct es *s, const char *index, const struct state *x, struct uuid *done_r)
{
	free(s->prefix);
	free(s->state);
	s->prefix = mem_dup(index, strlen(index) - ES_MONTH_LENGTH - 1);
	s->state = mem_strdup(index);
	*done_r = x->done;
}

/* Looks through what rebuilds left behind, and takes up the one of the same range and version. */
static int look_through(struct es *s, const cJSON *indices, const struct strv *left, struct uuid *done_r, struct err *e)
{
	const cJSON *index;
	struct state x;

	cJSON_ArrayForEach(index, indices)
	{
		if (!strv_has(left, index->string) || !read_state(index, &x))
			continue;
		if (strcmp(x.node, s->conf->node) != 0 && x.noted_us > clock_now_us() - ALIVE_US)
			return err_temporary(e, "rebuild(%s) failed: %s is rebuilding it", s->alias, x.node);
		if (!s->range.afresh && x.from_us == s->range.from_us && x.until_us == s->range.until_us &&
			strcmp(x.version, STRONGROOM_VERSION) == 0)
			take_up(s, index->string, &x, done_r);
	}
	return 0;
}

/* What rebuilds left behind, but for the one that is taken up, goes. */
static int clear_away(struct es *s, const struct strv *left, struct err *e)
{
	struct strv names CLEANUP(strv_deinit) = { 0 };
	size_t n = strlen(s->prefix);

	for (size_t i = 0; i < left->n; i++)
		if (!s->state || strncmp(left->items[i], s->prefix, n) != 0 || left->items[i][n] != '-')
			strv_add(&names, left->items[i]);
	return delete_indices(s, &names, e);
}

static int settle_leftovers(struct es *s, struct uuid *done_r, struct err *e)
{
	struct strv left CLEANUP(strv_deinit) = { 0 };
	_free_ char *pattern = mem_printf("%s.*-*", s->alias), *path = mem_printf("/%s/_mapping?filter_path=*.mappings._meta", pattern);
	const struct es_request r = { .method = "GET", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (list_indices(s, pattern, true, &left, e))
		return -1;
	if (!left.n)
		return 0;
	if (es_demand(s->client, &r, &a, e) || look_through(s, a.json, &left, done_r, e))
		return -1;
	return clear_away(s, &left, e);
}

/* The alias has to stand for something, and how far the rebuild is has to stand somewhere: a month that it covers. */
static int64_t some_month(const struct es *s)
{
	if (s->range.from_us != INT64_MIN)
		return s->range.from_us;
	return s->range.until_us == INT64_MAX ? clock_now_us() : s->range.until_us - 1;
}

/* ALIAS.WHEN, to the millisecond: what is rebuilt twice in a second gets two names. */
static void set_prefix(struct es *s)
{
	int64_t now_us = clock_now_us();
	time_t now = (time_t)(now_us / CLOCK_SECOND);
	char when[32];
	struct tm t;

	gmtime_r(&now, &t);
	strftime(when, sizeof(when), "%Y%m%dt%H%M%S", &t);
	free(s->prefix);
	s->prefix = mem_printf("%s.%s%03d", s->alias, when, (int)(now_us / 1000 % 1000));
}

static int begin_anew(struct es *s, struct err *e)
{
	struct strv there CLEANUP(strv_deinit) = { 0 };
	const struct uuid none = { 0 };
	char month[ES_MONTH_SIZE];

	set_prefix(s);
	s->state = mem_printf("%s-%s", s->prefix, es_month(month, some_month(s)));
	if (list_indices(s, s->state, false, &there, e))
		return -1;
	if (there.n)
		return err_temporary(e, "rebuild(%s) failed: somebody else began at the same moment", s->alias);
	if (es_need_index(s, s->state, e))
		return -1;
	return es_rebuild_note(&s->base, &none, e);
}

int es_rebuild_begin(struct index **fresh_r, const struct conf *conf, const char *where, const struct index_rebuild *what,
	struct uuid *done_r, struct err *e)
{
	CLEANUP(es_freep) struct es *s = NULL;

	if (es_new(&s, conf, where, INDEX_WRITE, e) || es_put_template(s, e))
		return -1;
	s->rebuilds = true;
	s->range = *what;
	if (settle_leftovers(s, done_r, e) || (!s->state && begin_anew(s, e)))
		return -1;
	*fresh_r = &s->base;
	s = NULL;
	return 0;
}

/* ---- taking over ---- */

#define REFRESHES 10

static int refresh(struct es *s, struct err *e)
{
	_free_ char *path = mem_printf("/%s-*/_refresh", s->prefix);
	const struct es_request r = { .method = "POST", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	return es_demand(s->client, &r, &a, e) || es_check_shards(&a, &r, e) ? -1 : 0;
}

/* What the memory of a large server still holds of a rebuild takes it longer than a request may: it goes on with that when
 * nobody waits any more. */
static int refresh_patiently(struct es *s, struct err *e)
{
	static const struct timespec pause = { .tv_sec = 1 }; /* when the server is just away */

	for (int left = REFRESHES; refresh(s, e); nanosleep(&pause, NULL))
		if (--left == 0 || e->class == ERR_PERMANENT)
			return -1;
	return 0;
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

/* The answer may have been lost, and what was switched can't be switched again: the old indices are gone. It happens to all of
 * the fresh ones or to none. */
static bool was_switched(struct es *s, const char *pattern)
{
	struct strv bare CLEANUP(strv_deinit) = { 0 };
	struct err ignored;

	return list_indices(s, pattern, true, &bare, &ignored) == 0 && !bare.n;
}

/* Of the indices behind the alias those that the rebuild covers; what somebody else put there is left alone. */
static int list_replaced(struct es *s, struct strv *names_r, struct err *e)
{
	struct strv all CLEANUP(strv_deinit) = { 0 };
	char first[ES_MONTH_SIZE] = "0000.00", behind[ES_MONTH_SIZE] = "9999.99";

	if (s->range.from_us != INT64_MIN)
		es_month(first, s->range.from_us);
	if (s->range.until_us != INT64_MAX)
		es_month(behind, s->range.until_us);
	if (list_indices(s, s->alias, false, &all, e))
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		const char *month = all.items[i] + strlen(all.items[i]) - ES_MONTH_LENGTH;

		if (strcmp(month, first) >= 0 && strcmp(month, behind) < 0)
			strv_add(names_r, all.items[i]);
	}
	return 0;
}

/* A later rebuild must not take these for its own. */
static int forget_state(struct es *s, struct err *e)
{
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);

	es_put(&j, "{\"_meta\":{\"strongroom\":");
	es_put_number(&j, ES_SCHEMA_VERSION);
	es_put(&j, "}}");
	return put_meta(s, &j, e);
}

int es_rebuild_finish(struct index *fresh, struct err *e)
{
	struct es *s = es_of(fresh);
	struct strv old CLEANUP(strv_deinit) = { 0 }, names CLEANUP(strv_deinit) = { 0 };
	_free_ char *pattern = mem_printf("%s-*", s->prefix);
	struct err ignored;

	if (FAULT("index-replace"))
		return err_temporary(e, "rename(%s) failed: as the test asked", s->alias);
	if (es_settle_indices(s, e) || refresh_patiently(s, e) || list_indices(s, pattern, false, &names, e) || list_replaced(s, &old, e))
		return -1;
	if (switch_alias(s, &old, &names, e) && !(names.n && was_switched(s, pattern)))
		return -1;
	(void)!forget_state(s, &ignored); /* they bear the alias now, which tells as much */
	es_freep(&s);
	return 0;
}

void es_rebuild_suspend(struct index *fresh)
{
	struct es *s = es_of(fresh);

	es_freep(&s);
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
