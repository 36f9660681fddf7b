/* Wake-ups over Redis' PUBLISH and SUBSCRIBE: one channel, whose messages are the names. */
#include "cache/cache_redis_private.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define SAY_EVERY_US CLOCK_SECOND	 /* for each name */
#define LOOK_EVERY_US (CLOCK_SECOND / 4) /* whether the end has come */
#define AGAIN_US (2 * CLOCK_SECOND)	 /* between two attempts to listen */
#define PING_EVERY_US (30 * CLOCK_SECOND) /* a connection that is dead does not say so */

void redis_wake_init(struct redis_wake *w)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->said, &monotonic);
	pthread_condattr_destroy(&monotonic);
	atomic_init(&w->stop, false);
}

void redis_wake_deinit(struct cache_redis *r)
{
	struct redis_wake *w = &r->wake;

	pthread_mutex_lock(&w->lock);
	atomic_store(&w->stop, true);
	pthread_cond_broadcast(&w->said);
	pthread_mutex_unlock(&w->lock);
	if (w->talking)
		pthread_join(w->talker, NULL);
	if (w->listening)
		pthread_join(w->listener, NULL);
	pthread_cond_destroy(&w->said);
	pthread_mutex_destroy(&w->lock);
}

/* Sleeps, unless the end comes. */
static void rest(struct redis_wake *w, int64_t us)
{
	int64_t until_us = clock_monotonic_us() + us;
	struct timespec t = { .tv_sec = until_us / CLOCK_SECOND, .tv_nsec = until_us % CLOCK_SECOND * 1000 };

	pthread_mutex_lock(&w->lock);
	while (!atomic_load(&w->stop) && clock_monotonic_us() < until_us)
		if (pthread_cond_timedwait(&w->said, &w->lock, &t) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&w->lock);
}

/* ---- saying ---- */

static char *channel(const struct cache_redis *r)
{
	return mem_printf("%s:wake", r->conf->redis_prefix);
}

static void say(struct cache_redis *r, const char *name)
{
	_free_ char *to = channel(r);
	const struct redis_command publish = { { "PUBLISH", to, name }, 3 };
	redisReply *reply = redis_ask(r, &publish, 1);

	if (reply)
		freeReplyObject(reply);
}

static void *talk(void *arg)
{
	struct cache_redis *r = arg;
	struct redis_wake *w = &r->wake;
	const char *names[REDIS_WAKES_MAX];

	while (!atomic_load(&w->stop)) {
		pthread_mutex_lock(&w->lock);
		while (!w->n && !atomic_load(&w->stop))
			pthread_cond_wait(&w->said, &w->lock);
		size_t n = w->n;

		memcpy(names, w->names, sizeof(names));
		w->n = 0;
		pthread_mutex_unlock(&w->lock);
		for (size_t i = 0; i < n; i++)
			say(r, names[i]);
		if (n)
			rest(w, SAY_EVERY_US);
	}
	return NULL;
}

void redis_wake(struct cache *c, const char *name)
{
	struct cache_redis *r = redis_of(c);
	struct redis_wake *w = &r->wake;
	size_t i = 0;

	pthread_mutex_lock(&w->lock);
	while (i < w->n && w->names[i] != name)
		i++;
	if (i == w->n && w->n < REDIS_WAKES_MAX)
		w->names[w->n++] = name;
	if (!w->talking)
		w->talking = pthread_create(&w->talker, NULL, talk, r) == 0; /* else the next one tries */
	pthread_cond_broadcast(&w->said); /* the other thread may be resting on it */
	pthread_mutex_unlock(&w->lock);
}

/* ---- hearing ---- */

static bool is_message(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
		reply->element[0]->type == REDIS_REPLY_STRING && strcmp(reply->element[0]->str, "message") == 0 &&
		reply->element[2]->type == REDIS_REPLY_STRING;
}

/* Until the connection breaks or the end comes. */
static int hear(struct cache_redis *r, struct redis_conn *c, struct err *e)
{
	static const struct redis_command ping = { { "PING" }, 1 };
	int64_t heard_us = clock_monotonic_us(), pinged_us = heard_us;
	redisReply *reply;

	while (!atomic_load(&r->wake.stop)) {
		int64_t now_us = clock_monotonic_us();

		if (now_us - heard_us > 2 * PING_EVERY_US)
			return err_temporary(e, "it has fallen silent");
		if (now_us - pinged_us > PING_EVERY_US) {
			pinged_us = now_us;
			if (redis_conn_send(c, &ping, r->target.timeout_us, e))
				return -1;
		}
		int rc = redis_conn_next(c, LOOK_EVERY_US, &reply, e);

		if (rc < 0)
			return -1;
		if (!rc)
			continue;
		heard_us = clock_monotonic_us();
		if (is_message(reply))
			r->wake.heard(r->wake.ctx, reply->element[2]->str);
		freeReplyObject(reply);
	}
	return 0;
}

static int listen_once(struct cache_redis *r, struct err *e)
{
	CLEANUP(redis_conn_closep) struct redis_conn *c = NULL;
	_free_ char *from = channel(r);
	const struct redis_command subscribe = { { "SUBSCRIBE", from }, 2 };
	redisReply *reply;

	if (redis_conn_open(&c, &r->target, e) || redis_conn_call(c, &subscribe, 1, r->target.timeout_us, &reply, e))
		return -1;
	freeReplyObject(reply);
	redis_say_up(r);
	r->wake.heard(r->wake.ctx, NULL);
	return hear(r, c, e);
}

static void *listen_on(void *arg)
{
	struct cache_redis *r = arg;
	struct err e;

	while (!atomic_load(&r->wake.stop)) {
		if (listen_once(r, &e) == 0)
			break;
		redis_say_down(r, &e);
		rest(&r->wake, AGAIN_US);
	}
	return NULL;
}

int redis_listen(struct cache *c, void (*heard)(void *ctx, const char *name), void *ctx, struct err *e)
{
	struct cache_redis *r = redis_of(c);

	r->wake.heard = heard;
	r->wake.ctx = ctx;
	errno = pthread_create(&r->wake.listener, NULL, listen_on, r);
	if (errno)
		return err_errno(e, "pthread_create", "listener");
	r->wake.listening = true;
	return 0;
}
