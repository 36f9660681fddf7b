#include "queryd/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "meta/audit.h"

static void try_index(struct service *s, struct err *e)
{
	s->index_tried_us = clock_monotonic_us();
	if (index_open(&s->index, s->conf, INDEX_READ, e) < 0) {
		s->index = NULL;
		log_error(NULL, "%s", e->text);
	}
}

int service_open(struct service *s_r, const struct conf *conf, struct err *e)
{
	struct err index_error;

	*s_r = (struct service){ .conf = conf, .counts = counts_new(),
		.provider = provider_new(conf),
		.allowances = allowances_new(),
		.turns = turns_new(conf->queryd_searches_at_once, conf->queryd_searches_waiting_max) };
	pthread_mutex_init(&s_r->lock, NULL);
	if (secret_key_load(&s_r->seal, conf->key_dir, e) < 0 || key_watch_open(&s_r->keys, conf->key_dir, e) < 0 ||
		meta_open(&s_r->meta, conf, e) < 0 || store_open(&s_r->store, conf, e) < 0 ||
		cache_open(&s_r->cache, conf, e) < 0 || parser_pool_open(&s_r->parsers, conf, e) < 0) {
		service_close(s_r);
		return -1;
	}
	_free_ char *daemon = mem_printf("queryd@%s", conf->node);

	meta_audit_as(s_r->meta, daemon);
	try_index(s_r, &index_error);
	return 0;
}

void service_close(struct service *s)
{
	if (s->index)
		index_closep(&s->index);
	if (s->parsers)
		parser_pool_closep(&s->parsers);
	cache_closep(&s->cache);
	if (s->store)
		store_closep(&s->store);
	if (s->meta)
		meta_closep(&s->meta);
	key_watch_freep(&s->keys);
	if (s->seal)
		secret_key_freep(&s->seal);
	provider_freep(&s->provider);
	counts_freep(&s->counts);
	allowances_freep(&s->allowances);
	turns_freep(&s->turns);
	pthread_mutex_destroy(&s->lock);
}

struct index *service_index(struct service *s, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	if (!s->index && clock_monotonic_us() - s->index_tried_us >= CLOCK_SECOND)
		try_index(s, e);
	else if (!s->index)
		err_temporary(e, "index_open(%s) failed a moment ago", s->conf->index);
	struct index *index = s->index;

	pthread_mutex_unlock(&s->lock);
	return index;
}

bool service_hold(struct service *s, uint64_t bytes)
{
	uint64_t max = s->conf->inflight_max;

	pthread_mutex_lock(&s->lock);
	bool fits = !s->held || (s->held <= max && bytes <= max - s->held);

	if (fits)
		s->held += bytes;
	pthread_mutex_unlock(&s->lock);
	return fits;
}

void service_release(struct service *s, uint64_t bytes)
{
	pthread_mutex_lock(&s->lock);
	s->held -= bytes;
	pthread_mutex_unlock(&s->lock);
}

uint64_t service_held(struct service *s)
{
	pthread_mutex_lock(&s->lock);
	uint64_t held = s->held;

	pthread_mutex_unlock(&s->lock);
	return held;
}
