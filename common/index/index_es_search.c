#include "base/hex.h"
#include "index/index_es.h"
#include "index/marks.h"
#include "index/tokenize.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HITS_AT_ONCE 64 /* with their texts: some megabytes at most */

/* ---- cursors ---- */

/* The last hit of a page, and the point in time in which the next one is to be looked for. */
struct place {
	int64_t date_us;
	struct uuid id;
	uint32_t pit; /* 0: none; ES_PIT_NEXT: the next page makes it */
};

#define CURSOR_SIZE (16 + 2 * UUID_SIZE + 8 + 8 + 1)

/* Against typing errors and foreign cursors, not against malice: a made-up place shows nothing but what is in scope. */
static uint32_t check_of(const struct place *p)
{
	uint32_t hash = 2166136261u;

	for (int i = 0; i < 8; i++)
		hash = (hash ^ (uint32_t)((uint64_t)p->date_us >> (8 * i) & 0xff)) * 16777619u;
	for (int i = 0; i < UUID_SIZE; i++)
		hash = (hash ^ p->id.bytes[i]) * 16777619u;
	for (int i = 0; i < 4; i++)
		hash = (hash ^ (p->pit >> (8 * i) & 0xff)) * 16777619u;
	return hash;
}

static void cursor_format(char text[CURSOR_SIZE], const struct place *p)
{
	char id[2 * UUID_SIZE + 1];

	hex_encode(id, p->id.bytes, UUID_SIZE);
	snprintf(text, CURSOR_SIZE, "%016" PRIx64 "%s%08" PRIx32 "%08" PRIx32, (uint64_t)p->date_us, id, p->pit, check_of(p));
}

static int cursor_parse(struct place *p_r, const char *text)
{
	char again[CURSOR_SIZE], id[2 * UUID_SIZE + 1];
	uint64_t date;

	if (strlen(text) != CURSOR_SIZE - 1 || sscanf(text, "%16" SCNx64, &date) != 1)
		return -1;
	memcpy(id, text + 16, sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	if (hex_decode(p_r->id.bytes, UUID_SIZE, id) || sscanf(text + 16 + 2 * UUID_SIZE, "%8" SCNx32, &p_r->pit) != 1)
		return -1;
	p_r->date_us = (int64_t)date;
	cursor_format(again, p_r);
	return strcmp(again, text) == 0 ? 0 : -1;
}

/* ---- the request ---- */

/* One index_search(). */
struct search {
	struct es *s;
	const struct scope *scope;
	const struct index_request *request;
	struct tokenizer *tokenizer;
	struct marks *marks;
	struct index_page *page;
	struct place last; /* of the hits so far */
	bool has_last;
	bool facets; /* to be asked for with the next hits */
	struct err *e;
};

static void put_place(struct es_json *j, const struct place *p)
{
	char id[UUID_TEXT_SIZE];

	es_put_name(j, "search_after");
	es_put(j, "[");
	es_put_number(j, p->date_us);
	es_put(j, ",");
	es_put_string(j, uuid_format(id, &p->id), UUID_TEXT_SIZE - 1);
	es_put(j, "]");
}

/* Facets are not waited for as long as hits are. */
static int64_t time_limit(const struct search *x)
{
	int64_t limit_us = x->s->conf->es_timeout_us * 9 / 10, facets_us = x->facets ? x->request->facets->time_us : 0;

	return (facets_us && facets_us < limit_us ? facets_us : limit_us) / 1000;
}

/* The query stands within the scope here and nowhere else. */
static void put_request(struct es_json *j, const struct search *x, size_t size, bool count, const char *pit)
{
	es_put(j, "{");
	es_put_name(j, "query");
	es_put_query(j, x->request->query, x->scope, x->tokenizer);
	es_put_name(j, "sort");
	es_put(j, "[{\"date\":\"desc\"},{\"id\":\"desc\"}]");
	if (x->has_last)
		put_place(j, &x->last);
	es_put_name(j, "size");
	es_put_number(j, (int64_t)size);
	es_put_name(j, "track_total_hits");
	es_put_number(j, count && !x->request->links ? INDEX_COUNT_MAX + 1 : 1); /* "false" leaves the whole out */
	if (x->request->links) /* the texts are nearly all there is: to have the rest left out costs more than it saves */
		es_put(j, ",\"_source\":[\"link\"]");
	es_put_name(j, "timeout");
	es_put(j, "\"");
	es_put_number(j, time_limit(x));
	es_put(j, "ms\"");
	if (x->facets)
		es_put_facets(j, x->request->facets);
	if (pit) {
		es_put(j, ",\"pit\":{\"keep_alive\":\"" ES_PIT_KEEP "\",\"id\":");
		es_put_string(j, pit, strlen(pit));
		es_put(j, "}");
	}
	es_put(j, "}");
}

/* ---- the answer ---- */

static int senseless(struct search *x)
{
	return err_temporary(x->e, "index_search(%s) failed: the answer makes no sense", x->s->alias);
}

static int take_total(struct search *x, const cJSON *hits)
{
	const cJSON *total = cJSON_GetObjectItemCaseSensitive(hits, "total");
	const char *relation = "";
	uint64_t value;

	if (json_get_u64(total, "value", &value) <= 0 || json_get_str(total, "relation", &relation) <= 0)
		return senseless(x);
	x->page->total_exact = strcmp(relation, "eq") == 0 && value <= INDEX_COUNT_MAX;
	x->page->total = x->page->total_exact ? value : INDEX_COUNT_MAX;
	return 0;
}

/* A list, or one alone. */
static void take_links(const cJSON *list, struct index_hit *to)
{
	const cJSON *item;

	to->links = MEM_ARRAY(struct link, (size_t)cJSON_GetArraySize(list));
	cJSON_ArrayForEach(item, list)
		if (cJSON_IsString(item) && link_parse(&to->links[to->link_count], item->valuestring) == 0)
			to->link_count++;
}

static int take_hit(struct search *x, const cJSON *hit)
{
	const cJSON *source = cJSON_GetObjectItemCaseSensitive(hit, "_source"),
		    *date = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(hit, "sort"), 0);
	const char *id = "", *title = "", *text = "";
	struct index_hit *to = &x->page->hits[x->page->n];

	json_get_str(hit, "_id", &id);
	if (uuid_parse(&to->id, id) || !cJSON_IsNumber(date) || json_get_str(source, "title", &title) < 0 ||
		json_get_str(source, "text", &text) < 0)
		return senseless(x);
	x->last.date_us = (int64_t)date->valuedouble;
	x->last.id = to->id;
	x->has_last = true;
	if (x->request->links)
		take_links(cJSON_GetObjectItemCaseSensitive(source, "link"), to);
	else
		to->snippet = marks_snippet(x->marks, x->tokenizer, title, text);
	x->page->n++;
	return 0;
}

/* Takes up to `wanted` hits; *more_r: there are others behind them. */
static int take_hits(struct search *x, const cJSON *hits, size_t wanted, bool *more_r)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(hits, "hits"), *hit;
	size_t taken = 0;

	if (!cJSON_IsArray(list))
		return senseless(x);
	*more_r = false;
	cJSON_ArrayForEach(hit, list)
	{
		if (taken == wanted) {
			*more_r = true;
			return 0;
		}
		if (take_hit(x, hit))
			return -1;
		taken++;
	}
	return 0;
}

/* ---- a page ---- */

/* With facets, what was found when the time is up is an answer, too. */
static int check_answer(struct search *x, const struct es_answer *a, const struct es_request *r)
{
	if (a->status / 100 != 2 || !a->json)
		return es_fail(a, r, x->e);
	return x->facets ? es_check_shards(a, r, x->e) : es_check_whole(a, r, x->e);
}

/* Asks in the point in time, or (NULL) in the index as it is. 0: answered; 1: the server won't; -1: nobody says anything. */
static int ask(struct search *x, size_t size, bool first, const char *pit, struct es_answer *a_r)
{
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(ES_JSON_MAX);
	const char *options = x->facets ? "" : "?allow_partial_search_results=false";
	_free_ char *path = pit ? mem_printf("/_search%s", options) : mem_printf("/%s/_search%s", x->s->alias, options);

	put_request(&j, x, size, first, pit);
	if (j.full)
		return err_permanent(x->e, "index_search(%s) failed: the query and its scope are too long", x->s->alias);
	const struct es_request r = { .method = "POST", .path = path, .body = j.text.data, .body_len = j.text.len };

	if (es_call(x->s->client, &r, a_r, x->e))
		return -1;
	if (check_answer(x, a_r, &r) == 0)
		return 0;
	es_answer_deinit(a_r);
	return 1;
}

/* 0: answered; 1: there is no such point in time (any more). */
static int ask_in_time(struct search *x, size_t size, bool first, struct es_answer *a_r)
{
	_free_ char *pit = es_pits_get(x->s->pits, x->last.pit);
	const char *renamed = NULL;

	if (!pit)
		return 1;
	if (ask(x, size, first, pit, a_r)) {
		es_pits_close(x->s->pits, x->last.pit);
		x->last.pit = 0;
		return 1;
	}
	if (json_get_str(a_r->json, "pit_id", &renamed) > 0)
		es_pits_rename(x->s->pits, x->last.pit, renamed);
	return 0;
}

static int ask_somehow(struct search *x, size_t size, bool first, struct es_answer *a_r)
{
	return ask_in_time(x, size, first, a_r) ? ask(x, size, first, NULL, a_r) : 0;
}

static bool is_cut_short(const struct es_answer *a)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a->json, "timed_out"));
}

/* Hits and facets in one go. Where it took too long, the hits are to be asked for once more, alone; where it failed, too. */
static int ask_for_both(struct search *x, size_t size, struct es_answer *a_r)
{
	struct index_page *page = x->page;
	int rc = ask_somehow(x, size, true, a_r);

	if (rc == 0)
		page->has_facets = es_take_facets(x->s, a_r->json, x->request->facets, &page->facets, &page->facets_error) == 0;
	else
		page->facets_error = *x->e;
	x->facets = false;
	if (rc < 0 || (rc == 0 && !is_cut_short(a_r)))
		return rc;
	es_answer_deinit(a_r);
	return ask_somehow(x, size, true, a_r);
}

/* The next `wanted` hits; one more is asked for to know whether there are others. */
static int search_some(struct search *x, size_t wanted, bool first, bool *more_r)
{
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };

	if (x->facets ? ask_for_both(x, wanted + 1, &a) : ask_somehow(x, wanted + 1, first, &a))
		return -1;
	const cJSON *hits = cJSON_GetObjectItemCaseSensitive(a.json, "hits");

	return (first && take_total(x, hits)) || take_hits(x, hits, wanted, more_r) ? -1 : 0;
}

static int search_page(struct search *x)
{
	size_t limit = x->request->limit;
	bool more = true, first = true;

	x->page->hits = MEM_ARRAY(struct index_hit, limit);
	while (more && x->page->n < limit) {
		size_t left = limit - x->page->n;

		size_t some = x->request->links ? INDEX_PAGE_MAX : HITS_AT_ONCE;

		if (search_some(x, left < some ? left : some, first, &more))
			return -1;
		first = false;
	}
	if (more) {
		x->page->next = mem_alloc(CURSOR_SIZE, 1);
		cursor_format(x->page->next, &x->last);
	} else {
		es_pits_close(x->s->pits, x->last.pit);
	}
	return 0;
}

/* Who looks at a third page goes on in a point in time. Making it is a request to every shard, as dear as a search, for which
 * those who stop at the second would wait in vain. */
static void hold_time(struct search *x)
{
	if (x->last.pit == 0) {
		x->last.pit = ES_PIT_NEXT;
		return;
	}
	_free_ char *pit = es_pits_get(x->s->pits, x->last.pit);

	if (!pit)
		x->last.pit = es_pits_open(x->s->pits);
}

int es_search(struct index *i, const struct scope *scope, const struct index_request *r, struct index_page *page_r,
	struct err *e)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	CLEANUP(marks_freep) struct marks *m = marks_new(r->query, t);
	struct search x = { .s = es_of(i), .scope = scope, .request = r, .tokenizer = t, .marks = m, .page = page_r, .e = e };

	if (r->cursor && cursor_parse(&x.last, r->cursor))
		return err_permanent(e, "index_search failed: not a cursor of this index");
	x.has_last = r->cursor != NULL;
	if (x.has_last)
		hold_time(&x);
	x.facets = r->facets != NULL;
	return search_page(&x);
}
