/* cache_redis: `cache = redis:`. Counters are keys of their window that expire behind it; numbers that only rise are set by
 * a script of Redis', so that of two writers the larger wins. */
#include "cache/cache_redis_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "sys/metrics_backend.h"

#include <inttypes.h>
#include <string.h>

#define AGAIN_US CLOCK_SECOND /* after a failure it is left alone for so long */
#define IDLE_MAX 8	      /* connections kept */

/* ---- up and down ---- */

void redis_say_down(struct cache_redis *r, const struct err *e)
{
	pthread_mutex_lock(&r->lock);
	bool said = r->down;

	r->down = true;
	r->again_us = clock_monotonic_us() + AGAIN_US;
	pthread_mutex_unlock(&r->lock);
	if (!said)
		log_error(NULL, "Redis at %s does not work, and the database does its work until it does: %s", r->target.address,
			e->text);
}

void redis_say_up(struct cache_redis *r)
{
	pthread_mutex_lock(&r->lock);
	bool was_down = r->down;

	r->down = false;
	pthread_mutex_unlock(&r->lock);
	if (was_down)
		log_info(NULL, "Redis at %s works again", r->target.address);
}

/* An idle connection, or NULL; *alone_r: it is to be left alone for now. */
static struct redis_conn *take_idle(struct cache_redis *r, bool *alone_r)
{
	pthread_mutex_lock(&r->lock);
	struct redis_conn *c = r->idle;

	*alone_r = r->down && clock_monotonic_us() < r->again_us;
	if (r->down && !*alone_r)
		r->again_us = clock_monotonic_us() + AGAIN_US; /* one tries, the others need not wait for it */
	if (*alone_r)
		c = NULL;
	if (c) {
		r->idle = c->next;
		r->idle_count--;
	}
	pthread_mutex_unlock(&r->lock);
	return c;
}

static void put_back(struct cache_redis *r, struct redis_conn *c)
{
	pthread_mutex_lock(&r->lock);
	if (r->idle_count < IDLE_MAX) {
		c->next = r->idle;
		r->idle = c;
		r->idle_count++;
		c = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	redis_conn_closep(&c);
}

/* On an idle connection, which the server may have closed since, or else on a new one. */
static int call(struct cache_redis *r, struct redis_conn *c, const struct redis_command *commands, size_t n,
	redisReply **reply_r, struct err *e)
{
	bool was_idle = c != NULL;

	if (!c && redis_conn_open(&c, &r->target, e))
		return -1;
	if (redis_conn_call(c, commands, n, r->target.timeout_us, reply_r, e) == 0) {
		put_back(r, c);
		return 0;
	}
	redis_conn_closep(&c);
	return was_idle && e->class != ERR_PERMANENT ? 1 : -1;
}

/* A command may reach Redis twice, which makes a count too high by one at worst. */
redisReply *redis_ask(struct cache_redis *r, const struct redis_command *commands, size_t n)
{
	redisReply *reply = NULL;
	struct err e;
	bool alone;
	struct redis_conn *c = take_idle(r, &alone);

	if (alone)
		return NULL;
	int rc = call(r, c, commands, n, &reply, &e);

	if (rc > 0)
		rc = call(r, NULL, commands, n, &reply, &e);
	if (backend_result(BACKEND_CACHE, rc, &e)) {
		redis_say_down(r, &e);
		return NULL;
	}
	redis_say_up(r);
	return reply;
}

/* ---- opening ---- */

static void redis_close(struct cache *c)
{
	struct cache_redis *r = redis_of(c);

	redis_wake_deinit(r);
	while (r->idle) {
		struct redis_conn *conn = r->idle;

		r->idle = conn->next;
		redis_conn_closep(&conn);
	}
	redis_target_deinit(&r->target);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int redis_open(struct cache **c_r, const struct conf *conf, struct err *e)
{
	struct redis_target target;

	if (redis_target_init(&target, conf, e))
		return -1;
	struct cache_redis *r = MEM_NEW(struct cache_redis);

	r->base.driver = &cache_redis_driver;
	r->conf = conf;
	r->target = target;
	pthread_mutex_init(&r->lock, NULL);
	redis_wake_init(&r->wake);
	*c_r = &r->base;
	return 0;
}

static int redis_ready(struct cache *c, struct err *e)
{
	struct cache_redis *r = redis_of(c);
	CLEANUP(redis_conn_closep) struct redis_conn *conn = NULL;
	const struct redis_command ping = { { "PING" }, 1 };
	redisReply *reply;

	if (redis_conn_open(&conn, &r->target, e) || redis_conn_call(conn, &ping, 1, r->target.timeout_us, &reply, e))
		return err_prefix(e, "redis(%s)", r->target.address);
	freeReplyObject(reply);
	return 1;
}

/* ---- what it does ---- */

static bool redis_count(struct cache *c, const char *name, int64_t now_us, int64_t window_us, uint64_t by, uint64_t *n_r)
{
	struct cache_redis *r = redis_of(c);
	_free_ char *key = mem_printf("%s:count:%s:%" PRId64, r->conf->redis_prefix, name, now_us / window_us);
	_free_ char *more = mem_printf("%" PRIu64, by), *life_ms = mem_printf("%" PRId64, 2 * window_us / 1000);
	const struct redis_command commands[] = { { { "INCRBY", key, more }, 3 }, { { "PEXPIRE", key, life_ms }, 3 },
		{ { "GET", key }, 2 } };
	redisReply *reply = redis_ask(r, commands, ARRAY_LEN(commands));

	if (!reply)
		return false;
	bool known = reply->type == REDIS_REPLY_STRING;

	*n_r = known ? strtoull(reply->str, NULL, 10) : 0;
	freeReplyObject(reply);
	return known;
}

static void redis_raise(struct cache *c, const char *name, uint64_t value, int64_t for_us)
{
	static const char script[] = "local v = redis.call('GET', KEYS[1]) "
		"if not v or tonumber(v) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end return 1";
	struct cache_redis *r = redis_of(c);
	_free_ char *key = mem_printf("%s:value:%s", r->conf->redis_prefix, name);
	_free_ char *text = mem_printf("%" PRIu64, value);
	_free_ char *life_ms = mem_printf("%" PRId64, for_us / 1000);
	const struct redis_command eval = { { "EVAL", script, "1", key, text, life_ms }, 6 };
	redisReply *reply = redis_ask(r, &eval, 1);

	if (reply)
		freeReplyObject(reply);
}

static bool redis_get(struct cache *c, const char *name, uint64_t *value_r)
{
	struct cache_redis *r = redis_of(c);
	_free_ char *key = mem_printf("%s:value:%s", r->conf->redis_prefix, name);
	const struct redis_command get = { { "GET", key }, 2 };
	redisReply *reply = redis_ask(r, &get, 1);

	if (!reply)
		return false;
	*value_r = reply->type == REDIS_REPLY_STRING ? strtoull(reply->str, NULL, 10) : 0;
	freeReplyObject(reply);
	return true;
}

const struct cache_driver cache_redis_driver = {
	.kind = "redis",
	.open = redis_open,
	.close = redis_close,
	.ready = redis_ready,
	.count = redis_count,
	.raise = redis_raise,
	.get = redis_get,
	.wake = redis_wake,
	.listen = redis_listen,
};
