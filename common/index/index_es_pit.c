#include "index/index_es_pit.h"

#include "base/clock.h"
#include "index/index_es_json.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#define PITS_MAX 32
#define KEEP_US (120 * CLOCK_SECOND) /* as ES_PIT_KEEP */
#define ID_MAX ((size_t)1024 * 1024)

struct pit {
	uint32_t number; /* 0: none */
	char *id;
	int64_t used_us; /* monotonic */
};

struct es_pits {
	struct es_client *client;
	char *alias;
	bool elasticsearch;
	pthread_mutex_t lock;
	struct pit list[PITS_MAX]; /* under the lock */
};

struct es_pits *es_pits_new(struct es_client *c, const char *alias, bool elasticsearch)
{
	struct es_pits *p = MEM_NEW(struct es_pits);

	p->client = c;
	p->alias = mem_strdup(alias);
	p->elasticsearch = elasticsearch;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

/* The server drops it by itself after a while: failing to tell it so is no failure. */
static void close_at_server(struct es_pits *p, const char *id)
{
	CLEANUP(es_json_deinit) struct es_json j = ES_JSON_INIT(2 * ID_MAX);
	struct es_answer a;
	struct err ignored;

	es_put(&j, p->elasticsearch ? "{\"id\":" : "{\"pit_id\":[");
	es_put_string(&j, id, strlen(id));
	es_put(&j, p->elasticsearch ? "}" : "]}");
	const struct es_request r = { .method = "DELETE", .path = p->elasticsearch ? "/_pit" : "/_search/point_in_time",
		.body = j.text.data, .body_len = j.text.len, .quick = true };

	if (es_call(p->client, &r, &a, &ignored) == 0)
		es_answer_deinit(&a);
}

void es_pits_freep(struct es_pits **pits)
{
	struct es_pits *p = *pits;

	*pits = NULL;
	if (!p)
		return;
	for (size_t i = 0; i < PITS_MAX; i++)
		if (p->list[i].number) {
			close_at_server(p, p->list[i].id);
			free(p->list[i].id);
		}
	pthread_mutex_destroy(&p->lock);
	free(p->alias);
	free(p);
}

/* ---- the list; the lock is held ---- */

static struct pit *find(struct es_pits *p, uint32_t number)
{
	for (size_t i = 0; number && i < PITS_MAX; i++)
		if (p->list[i].number == number)
			return &p->list[i];
	return NULL;
}

/* A free place, or that of the one that was used longest ago. */
static struct pit *choose_place(struct es_pits *p)
{
	struct pit *oldest = &p->list[0];

	for (size_t i = 0; i < PITS_MAX; i++) {
		if (!p->list[i].number)
			return &p->list[i];
		if (p->list[i].used_us < oldest->used_us)
			oldest = &p->list[i];
	}
	return oldest;
}

/* What the place held, for the caller to close. */
static char *put(struct es_pits *p, uint32_t number, const char *id)
{
	pthread_mutex_lock(&p->lock);
	struct pit *place = choose_place(p);
	char *before = place->id;

	*place = (struct pit){ .number = number, .id = mem_strdup(id), .used_us = clock_monotonic_us() };
	pthread_mutex_unlock(&p->lock);
	return before;
}

/* ---- one ---- */

uint32_t es_pits_open(struct es_pits *p)
{
	_free_ char *path = mem_printf(p->elasticsearch ? "/%s/_pit?keep_alive=" ES_PIT_KEEP :
							   "/%s/_search/point_in_time?keep_alive=" ES_PIT_KEEP, p->alias);
	const struct es_request r = { .method = "POST", .path = path };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };
	const char *id = NULL;
	uint32_t number = 0;
	struct err ignored;

	if (es_demand(p->client, &r, &a, &ignored) || json_get_str(a.json, p->elasticsearch ? "id" : "pit_id", &id) <= 0 ||
		strlen(id) > ID_MAX)
		return 0;
	while (number <= ES_PIT_NEXT)
		if (RAND_bytes((unsigned char *)&number, sizeof(number)) != 1)
			return 0;
	_free_ char *before = put(p, number, id);

	if (before)
		close_at_server(p, before);
	return number;
}

char *es_pits_get(struct es_pits *p, uint32_t number)
{
	int64_t now = clock_monotonic_us();
	char *id = NULL;

	pthread_mutex_lock(&p->lock);
	struct pit *found = find(p, number);

	if (found && now - found->used_us < KEEP_US) {
		found->used_us = now;
		id = mem_strdup(found->id);
	}
	pthread_mutex_unlock(&p->lock);
	return id;
}

void es_pits_rename(struct es_pits *p, uint32_t number, const char *id)
{
	pthread_mutex_lock(&p->lock);
	struct pit *found = find(p, number);

	if (found && strcmp(found->id, id) != 0) {
		free(found->id);
		found->id = mem_strdup(id);
	}
	pthread_mutex_unlock(&p->lock);
}

void es_pits_close(struct es_pits *p, uint32_t number)
{
	_free_ char *id = NULL;

	pthread_mutex_lock(&p->lock);
	struct pit *found = find(p, number);

	if (found) {
		id = found->id;
		*found = (struct pit){ 0 };
	}
	pthread_mutex_unlock(&p->lock);
	if (id)
		close_at_server(p, id);
}
