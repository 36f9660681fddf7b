#include "base/fault.h"
#include "base/log.h"
#include "index/index_es.h"
#include "index/tokenize.h"

#include <string.h>

#define BULK_BYTES ((size_t)8 * 1024 * 1024) /* of one request, but for one document that is larger */

/* One index_add(). */
struct adding {
	struct es *s;
	const struct index_doc *docs;
	struct tokenizer *tokenizer;
	struct err *e;
};

/* ---- one request ---- */

static int put_one(struct adding *a, struct es_json *j, size_t at)
{
	char name[ES_NAME_SIZE], id[UUID_TEXT_SIZE];
	const struct index_doc *d = &a->docs[at];

	if (es_need_index(a->s, es_index_name(name, a->s, &d->id), a->e))
		return -1;
	es_put(j, "{\"create\":{\"_index\":");
	es_put_string(j, name, strlen(name));
	es_put(j, ",\"_id\":");
	es_put_string(j, uuid_format(id, &d->id), UUID_TEXT_SIZE - 1);
	es_put(j, "}}\n");
	es_put_doc(j, d, a->tokenizer);
	es_put(j, "\n");
	return 0;
}

/* The documents from..to in one text; *to_r is behind the last that it holds. */
static int put_some(struct adding *a, struct es_json *j, size_t from, size_t to, size_t *to_r)
{
	size_t at = from;

	do
		if (put_one(a, j, at++))
			return -1;
	while (at < to && j->text.len < BULK_BYTES && !j->full);
	*to_r = at;
	return 0;
}

/* What it holds now must be found after the next index_sync(). */
static void note_written(struct adding *a, size_t from, size_t to)
{
	char name[ES_NAME_SIZE];

	pthread_mutex_lock(&a->s->lock);
	for (size_t i = from; i < to; i++)
		strv_add_unique(&a->s->written, es_index_name(name, a->s, &a->docs[i].id));
	pthread_mutex_unlock(&a->s->lock);
}

/* Nothing makes the server take this one: the others are none the worse for it. */
static int refuse(struct adding *a, size_t at, const char *why)
{
	struct log_context ctx = { 0 };
	char id[UUID_TEXT_SIZE];

	if (!a->docs[at].refused)
		return err_temporary(a->e, "index_add(%s) failed: the index refuses %s: %s", a->s->alias,
			uuid_format(id, &a->docs[at].id), why);
	*a->docs[at].refused = true;
	log_context_set(&ctx, "archive_id", uuid_format(id, &a->docs[at].id));
	log_error(&ctx, "the index refuses this message: %s", why);
	return 0;
}

/* ---- its answer ---- */

static void forget_known(struct es *s)
{
	pthread_mutex_lock(&s->lock);
	strv_deinit(&s->known);
	pthread_mutex_unlock(&s->lock);
}

/* A document that can't be read as its mapping says. All else may pass. */
static bool is_refusal(int status)
{
	return status == 400 || status == 413;
}

static int take_item(struct adding *a, const cJSON *item, size_t at)
{
	const cJSON *create = cJSON_GetObjectItemCaseSensitive(item, "create"),
		    *error = cJSON_GetObjectItemCaseSensitive(create, "error");
	const char *type = "no reason", *reason = "";
	uint64_t status;

	if (json_get_u64(create, "status", &status) <= 0)
		return err_temporary(a->e, "index_add(%s) failed: the answer makes no sense", a->s->alias);
	if (status == 200 || status == 201 || status == 409) /* 409: it is there already */
		return 0;
	json_get_str(error, "type", &type);
	json_get_str(error, "reason", &reason);
	_free_ char *why = mem_printf("%d %s: %.200s", (int)status, type, reason);

	if (is_refusal((int)status))
		return refuse(a, at, why);
	if (status == 404) /* removed under our hands: the next one makes it anew */
		forget_known(a->s);
	return err_temporary(a->e, "index_add(%s) failed: %s", a->s->alias, why);
}

static int take_items(struct adding *a, const struct es_answer *answer, size_t from, size_t to)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(answer->json, "items"), *item;
	size_t at = from;
	int failed = 0;

	if (cJSON_GetArraySize(items) != (int)(to - from))
		return err_temporary(a->e, "index_add(%s) failed: the answer tells of %d documents, not %zu", a->s->alias,
			cJSON_GetArraySize(items), to - from);
	cJSON_ArrayForEach(item, items)
		failed |= take_item(a, item, at++);
	return failed;
}

static int add_range(struct adding *a, size_t from, size_t to);

/* A request that is refused as a whole is taken apart until it is known which document is to blame. */
static int add_halves(struct adding *a, const char *why, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;

	if (to - from == 1)
		return refuse(a, from, why);
	return add_range(a, from, middle) || add_range(a, middle, to) ? -1 : 0;
}

static int send(struct adding *a, const struct es_json *j, size_t from, size_t to)
{
	const struct es_request r = { .method = "POST", .path = "/_bulk?filter_path=errors,items.*.status,items.*.error",
		.body = j->text.data, .body_len = j->text.len, .lines = true };
	CLEANUP(es_answer_deinit) struct es_answer answer = { 0 };

	if (j->full)
		return add_halves(a, "it is too large for one request", from, to);
	note_written(a, from, to); /* first: an answer may be lost, and the documents there all the same */
	if (es_call(a->s->client, &r, &answer, a->e))
		return -1;
	if (is_refusal(answer.status)) {
		struct err why;

		es_fail(&answer, &r, &why);
		return add_halves(a, why.text, from, to);
	}
	if (answer.status != 200 || !answer.json)
		return es_fail(&answer, &r, a->e);
	return take_items(a, &answer, from, to);
}

static int add_range(struct adding *a, size_t from, size_t to)
{
	while (from < to) {
		CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
		size_t end = to;

		if (put_some(a, &j, from, to, &end) || send(a, &j, from, end))
			return -1;
		from = end;
	}
	return 0;
}

int es_add(struct index *i, const struct index_doc *docs, size_t n, struct err *e)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	struct adding a = { .s = es_of(i), .docs = docs, .tokenizer = t, .e = e };

	if (FAULT("index-add"))
		return err_temporary(e, "index_add(%s) failed: as the test asked", a.s->alias);
	return add_range(&a, 0, n);
}

/* ---- removing ---- */

static void put_removal(struct es *s, struct es_json *j, const struct uuid *id)
{
	char name[ES_NAME_SIZE], text[UUID_TEXT_SIZE];

	es_put(j, "{\"delete\":{\"_index\":");
	es_index_name(name, s, id);
	es_put_string(j, name, strlen(name));
	es_put(j, ",\"_id\":");
	es_put_string(j, uuid_format(text, id), UUID_TEXT_SIZE - 1);
	es_put(j, "}}\n");
}

/* It must not be found after the next index_sync(). */
static void note_removed(struct es *s, const struct uuid *id)
{
	char name[ES_NAME_SIZE];

	pthread_mutex_lock(&s->lock);
	strv_add_unique(&s->written, es_index_name(name, s, id));
	pthread_mutex_unlock(&s->lock);
}

/* What is not there, or whose index is not, need not be removed. */
static int take_removals(struct es *s, const struct es_answer *answer, const struct uuid *ids, size_t n, struct err *e)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(answer->json, "items"), *item;
	uint64_t status;

	if (cJSON_GetArraySize(items) != (int)n)
		return err_temporary(e, "index_remove(%s) failed: the answer makes no sense", s->alias);
	cJSON_ArrayForEach(item, items)
	{
		const struct uuid *id = ids++;

		if (json_get_u64(cJSON_GetObjectItemCaseSensitive(item, "delete"), "status", &status) <= 0 ||
			(status != 200 && status != 404))
			return err_temporary(e, "index_remove(%s) failed: a document can't be removed", s->alias);
		if (status == 200)
			note_removed(s, id);
	}
	return 0;
}

int es_remove(struct index *i, const struct uuid *ids, size_t n, struct err *e)
{
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
	CLEANUP(es_answer_deinit) struct es_answer answer = { 0 };
	struct es *s = es_of(i);

	for (size_t k = 0; k < n; k++)
		put_removal(s, &j, &ids[k]);
	const struct es_request r = { .method = "POST", .path = "/_bulk?filter_path=errors,items.*.status", .body = j.text.data,
		.body_len = j.text.len, .lines = true };

	return es_demand(s->client, &r, &answer, e) || take_removals(s, &answer, ids, n, e) ? -1 : 0;
}

/* ---- what was added can be found ---- */

static char *join_written(struct es *s)
{
	pthread_mutex_lock(&s->lock);
	char *names = s->written.n ? strv_join(&s->written, ",") : NULL;

	strv_deinit(&s->written);
	pthread_mutex_unlock(&s->lock);
	return names;
}

/* Bulk requests are durable when they are answered (index.translog.durability). */
int es_sync(struct index *i, struct err *e)
{
	struct es *s = es_of(i);
	_free_ char *names = join_written(s);

	if (!names || s->rebuilds)
		return 0; /* finishing the rebuild does it */
	_free_ char *path = mem_printf("/%s/_refresh", names);
	const struct es_request r = { .method = "POST", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (es_demand(s->client, &r, &a, e) || es_check_shards(&a, &r, e)) {
		forget_known(s); /* perhaps one was removed */
		return -1;
	}
	return 0;
}
