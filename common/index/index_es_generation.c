/* Which making of the indices at a server is searched. */
#include "base/clock.h"
#include "index/index_es.h"

#include <stdio.h>
#include <string.h>

#define GOOD_FOR_US (10 * CLOCK_SECOND)

/* ALIAS.WHEN-MONTH: WHEN, which is later than *latest_r. */
static void note_rebuilt(const struct es *s, const char *index, char latest[INDEX_GENERATION_SIZE])
{
	size_t n = strlen(s->alias), behind = strlen(index);

	if (behind <= n + 2 + ES_MONTH_LENGTH || index[n] != '.' || behind - n - 2 - ES_MONTH_LENGTH >= INDEX_GENERATION_SIZE)
		return;
	_free_ char *when = mem_dup(index + n + 1, behind - n - 2 - ES_MONTH_LENGTH);

	if (strcmp(when, latest) > 0)
		snprintf(latest, INDEX_GENERATION_SIZE, "%s", when);
}

/* When the latest rebuild that is searched began; "0": none was. */
static int ask(struct es *s, char latest_r[INDEX_GENERATION_SIZE], struct err *e)
{
	_free_ char *path = mem_printf("/%s/_alias?filter_path=*.aliases", s->alias);
	const struct es_request r = { .method = "GET", .path = path, .quick = true };
	CLEANUP(es_answer_deinit) struct es_answer a = { 0 };
	const cJSON *index;

	if (es_demand(s->client, &r, &a, e))
		return -1;
	strcpy(latest_r, "0");
	cJSON_ArrayForEach(index, a.json)
		note_rebuilt(s, index->string, latest_r);
	return 0;
}

/* Asked for with every search, and nearly always the same. */
int es_generation(struct index *i, char text_r[INDEX_GENERATION_SIZE], struct err *e)
{
	struct es *s = es_of(i);
	int64_t now_us = clock_monotonic_us();
	char latest[INDEX_GENERATION_SIZE];

	pthread_mutex_lock(&s->lock);
	bool good = now_us < s->generation_until_us;

	memcpy(text_r, s->generation, INDEX_GENERATION_SIZE);
	pthread_mutex_unlock(&s->lock);
	if (good)
		return 0;
	if (ask(s, latest, e))
		return -1;
	snprintf(text_r, INDEX_GENERATION_SIZE, "%d.%.30s", ES_SCHEMA_VERSION, latest);
	pthread_mutex_lock(&s->lock);
	memcpy(s->generation, text_r, INDEX_GENERATION_SIZE);
	s->generation_until_us = now_us + GOOD_FOR_US;
	pthread_mutex_unlock(&s->lock);
	return 0;
}
