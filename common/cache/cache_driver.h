/* cache_driver: what a kind of cache implements. The functions are those of cache/cache.h. */
#ifndef CACHE_CACHE_DRIVER_H
#define CACHE_CACHE_DRIVER_H

#include "cache/cache.h"

struct cache_driver {
	const char *kind; /* what stands before the colon in the setting */
	int (*open)(struct cache **c_r, const struct conf *conf, struct err *e);
	void (*close)(struct cache *c);
	int (*ready)(struct cache *c, struct err *e);
	bool (*count)(struct cache *c, const char *name, int64_t now_us, int64_t window_us, uint64_t by, uint64_t *n_r);
	void (*raise)(struct cache *c, const char *name, uint64_t value, int64_t for_us);
	bool (*get)(struct cache *c, const char *name, uint64_t *value_r);
	void (*wake)(struct cache *c, const char *name);
	int (*listen)(struct cache *c, void (*heard)(void *ctx, const char *name), void *ctx, struct err *e);
};

struct cache {
	const struct cache_driver *driver;
};

extern const struct cache_driver cache_meta_driver, cache_redis_driver;

#endif
