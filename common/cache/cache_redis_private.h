/* cache_redis_private: what the files of `cache = redis:` share. */
#ifndef CACHE_CACHE_REDIS_PRIVATE_H
#define CACHE_CACHE_REDIS_PRIVATE_H

#include "cache/cache_driver.h"
#include "cache/cache_redis_conn.h"

#include <pthread.h>
#include <stdatomic.h>

#define REDIS_WAKES_MAX 4 /* names */

/* cache_redis_wake.c: what is to be said, and who listens. */
struct redis_wake {
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t said;
	const char *names[REDIS_WAKES_MAX];
	size_t n;
	bool talking, listening;
	atomic_bool stop;
	pthread_t talker, listener;
	void (*heard)(void *ctx, const char *name);
	void *ctx;
};

struct cache_redis {
	struct cache base;
	const struct conf *conf;
	struct redis_target target;
	pthread_mutex_t lock; /* of what follows */
	struct redis_conn *idle;
	unsigned idle_count;
	int64_t again_us; /* monotonic: not before */
	bool down;	  /* and that was said */
	struct redis_wake wake;
};

static inline struct cache_redis *redis_of(struct cache *c)
{
	return CONTAINER_OF(c, struct cache_redis, base);
}

/* cache_redis.c: the reply of the last command (caller frees); NULL: not known. */
redisReply *redis_ask(struct cache_redis *r, const struct redis_command *commands, size_t n);

/* Says once that it is down, and why; that it is back. */
void redis_say_down(struct cache_redis *r, const struct err *e);
void redis_say_up(struct cache_redis *r);

void redis_wake_init(struct redis_wake *w);
void redis_wake_deinit(struct cache_redis *r);
void redis_wake(struct cache *c, const char *name);
int redis_listen(struct cache *c, void (*heard)(void *ctx, const char *name), void *ctx, struct err *e) MUST_CHECK;

#endif
