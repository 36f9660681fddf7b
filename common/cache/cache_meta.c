/* cache_meta: no cache (`cache = meta:`): nothing is known here, and the database answers. */
#include "cache/cache_driver.h"

static int meta_open(struct cache **c_r, const struct conf *conf, struct err *e)
{
	(void)conf, (void)e;
	*c_r = MEM_NEW(struct cache);
	(*c_r)->driver = &cache_meta_driver;
	return 0;
}

static void meta_close(struct cache *c)
{
	free(c);
}

static int meta_ready(struct cache *c, struct err *e)
{
	(void)c, (void)e;
	return 0;
}

static bool meta_count(struct cache *c, const char *name, int64_t now_us, int64_t window_us, uint64_t by, uint64_t *n_r)
{
	(void)c, (void)name, (void)now_us, (void)window_us, (void)by, (void)n_r;
	return false;
}

static void meta_raise(struct cache *c, const char *name, uint64_t value, int64_t for_us)
{
	(void)c, (void)name, (void)value, (void)for_us;
}

static bool meta_get(struct cache *c, const char *name, uint64_t *value_r)
{
	(void)c, (void)name, (void)value_r;
	return false;
}

static void meta_wake(struct cache *c, const char *name)
{
	(void)c, (void)name;
}

static int meta_listen(struct cache *c, void (*heard)(void *ctx, const char *name), void *ctx, struct err *e)
{
	(void)c, (void)heard, (void)ctx, (void)e;
	return 0;
}

const struct cache_driver cache_meta_driver = {
	.kind = "meta",
	.open = meta_open,
	.close = meta_close,
	.ready = meta_ready,
	.count = meta_count,
	.raise = meta_raise,
	.get = meta_get,
	.wake = meta_wake,
	.listen = meta_listen,
};
