#include "cache/cache_driver.h"

#include <string.h>

static const struct cache_driver *const drivers[] = { &cache_meta_driver, &cache_redis_driver };

int cache_open(struct cache **c_r, const struct conf *conf, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		size_t n = strlen(drivers[i]->kind);

		if (strncmp(conf->cache, drivers[i]->kind, n) == 0 && conf->cache[n] == ':')
			return drivers[i]->open(c_r, conf, e);
	}
	return err_permanent(e, "cache_open(%s) failed: no cache of that kind, known are meta: and redis:", conf->cache);
}

void cache_closep(struct cache **c)
{
	if (*c)
		(*c)->driver->close(*c);
	*c = NULL;
}

int cache_ready(struct cache *c, struct err *e)
{
	return c->driver->ready(c, e);
}

bool cache_count(struct cache *c, const char *name, int64_t now_us, int64_t window_us, uint64_t by, uint64_t *n_r)
{
	return c->driver->count(c, name, now_us, window_us, by, n_r);
}

void cache_raise(struct cache *c, const char *name, uint64_t value, int64_t for_us)
{
	c->driver->raise(c, name, value, for_us);
}

bool cache_get(struct cache *c, const char *name, uint64_t *value_r)
{
	return c->driver->get(c, name, value_r);
}

void cache_wake(struct cache *c, const char *name)
{
	c->driver->wake(c, name);
}

int cache_listen(struct cache *c, void (*heard)(void *ctx, const char *name), void *ctx, struct err *e)
{
	return c->driver->listen(c, heard, ctx, e);
}
