#include "mail/parser_pool.h"

#include "base/log.h"
#include "mail/parser_job.h"
#include "mail/parser_metrics.h"

#include <pthread.h>
#include <string.h>

#define SERVES_MAX 2000 /* requests in the life of a worker */

/* Collecting is done by one thread, outside the lock. */
enum state { UNDER_WAY, BEING_COLLECTED, COLLECTED };

struct parser_reading {
	struct parser_job job;
	struct parser_worker *worker;
	enum state state; /* under the pool's lock */
	int failed;	  /* of parser_job_finish(), and err, when COLLECTED */
	struct err err;
};

struct parser_pool {
	const struct conf *conf;
	struct parser_worker *workers;
	size_t count;
	pthread_mutex_t lock;
	pthread_cond_t available;	/* one more is idle or lent */
	pthread_cond_t collected;	/* some reading is */
	struct parser_worker **idle;	/* the last is taken first: it is the warmest */
	struct parser_reading **lent;	/* those UNDER_WAY, the oldest first */
	size_t idle_count, lent_count;
};

static int start(struct parser_pool *pool, struct parser_worker *w, struct err *e)
{
	if (w->pid)
		return 0;
	return parser_worker_start(w, pool->conf->parser_program, pool->conf->parser_memory_max, e);
}

/* After its turn a worker is replaced: whatever leaked or was taken over ends with it. */
static void retire(struct parser_pool *pool, struct parser_worker *w)
{
	struct err e;

	if (w->pid && ++w->served < SERVES_MAX)
		return;
	if (w->pid)
		metric_add(&parser_replaced, PARSER_SERVED_ITS_TURN, 1);
	parser_worker_stop(w, NULL);
	if (start(pool, w, &e))
		log_error(NULL, "%s", e.text); /* the next caller tries again */
}

/* ---- who has which worker ---- */

/* Takes a reading out of those that are lent; the caller collects it. */
static void claim(struct parser_pool *pool, struct parser_reading *r)
{
	size_t i = 0;

	while (pool->lent[i] != r)
		i++;
	pool->lent_count--;
	memmove(pool->lent + i, pool->lent + i + 1, (pool->lent_count - i) * sizeof(*pool->lent));
	r->state = BEING_COLLECTED;
}

/* Waits for the worker's answer. Its worker is the caller's then. */
static struct parser_worker *collect(struct parser_pool *pool, struct parser_reading *r)
{
	struct parser_worker *w = r->worker;

	r->failed = parser_job_finish(&r->job, w, &r->err);
	retire(pool, w);
	pthread_mutex_lock(&pool->lock);
	r->state = COLLECTED;
	pthread_cond_broadcast(&pool->collected);
	pthread_mutex_unlock(&pool->lock);
	return w;
}

/* Whose worker can be had soonest: the oldest that is answered, else the newest, which is the least likely to hang. */
static struct parser_reading *soonest(const struct parser_pool *pool)
{
	for (size_t i = 0; i < pool->lent_count; i++)
		if (parser_worker_answered(pool->lent[i]->worker))
			return pool->lent[i];
	return pool->lent[pool->lent_count - 1];
}

/* An idle worker; else one that is lent, whose reading is collected for its owner. */
static struct parser_worker *take(struct parser_pool *pool)
{
	struct parser_worker *w = NULL;
	struct parser_reading *r = NULL;

	pthread_mutex_lock(&pool->lock);
	while (!pool->idle_count && !pool->lent_count)
		pthread_cond_wait(&pool->available, &pool->lock);
	if (pool->idle_count)
		w = pool->idle[--pool->idle_count];
	else
		claim(pool, r = soonest(pool));
	pthread_mutex_unlock(&pool->lock);
	return w ? w : collect(pool, r);
}

/* A worker that is still starting goes below those that are ready. */
static void give(struct parser_pool *pool, struct parser_worker *w)
{
	pthread_mutex_lock(&pool->lock);
	if (w->ready) {
		pool->idle[pool->idle_count] = w;
	} else {
		memmove(pool->idle + 1, pool->idle, pool->idle_count * sizeof(*pool->idle));
		pool->idle[0] = w;
	}
	pool->idle_count++;
	pthread_cond_signal(&pool->available);
	pthread_mutex_unlock(&pool->lock);
}

static void lend(struct parser_pool *pool, struct parser_reading *r, struct parser_worker *w)
{
	r->worker = w;
	pthread_mutex_lock(&pool->lock);
	pool->lent[pool->lent_count++] = r;
	pthread_cond_signal(&pool->available);
	pthread_mutex_unlock(&pool->lock);
}

/* Collected by us, or, if another was quicker, by it. */
static void see_collected(struct parser_pool *pool, struct parser_reading *r)
{
	pthread_mutex_lock(&pool->lock);
	bool mine = r->state == UNDER_WAY;

	if (mine)
		claim(pool, r);
	while (!mine && r->state != COLLECTED)
		pthread_cond_wait(&pool->collected, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	if (mine)
		give(pool, collect(pool, r));
}

/* ---- open and close ---- */

int parser_pool_open(struct parser_pool **pool_r, const struct conf *conf, struct err *e)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = MEM_NEW(struct parser_pool);

	pool->conf = conf;
	pool->count = conf->parser_workers ? (size_t)conf->parser_workers : 1;
	pool->workers = MEM_ARRAY(struct parser_worker, pool->count);
	pool->idle = MEM_ARRAY(struct parser_worker *, pool->count);
	pool->lent = MEM_ARRAY(struct parser_reading *, pool->count);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->available, NULL);
	pthread_cond_init(&pool->collected, NULL);
	for (size_t i = 0; i < pool->count; i++)
		pool->workers[i].socket = -1;
	for (size_t i = 0; i < pool->count; i++)
		if (start(pool, &pool->workers[i], e))
			return -1;
	for (size_t i = 0; i < pool->count; i++) {
		if (parser_worker_wait_ready(&pool->workers[i], e))
			return -1;
		pool->idle[pool->idle_count++] = &pool->workers[i];
	}
	*pool_r = pool;
	pool = NULL;
	return 0;
}

void parser_pool_closep(struct parser_pool **pp)
{
	struct parser_pool *pool = *pp;

	if (!pool)
		return;
	for (size_t i = 0; i < pool->count; i++)
		parser_worker_stop(&pool->workers[i], NULL);
	pthread_cond_destroy(&pool->available);
	pthread_cond_destroy(&pool->collected);
	pthread_mutex_destroy(&pool->lock);
	free(pool->workers);
	free(pool->idle);
	free(pool->lent);
	free(pool);
	*pp = NULL;
}

/* ---- parsing ---- */

static void reading_freep(struct parser_reading **rp)
{
	if (*rp)
		parser_job_deinit(&(*rp)->job);
	free(*rp);
	*rp = NULL;
}

int parser_pool_start(struct parser_pool *pool, const struct message *m, struct parser_reading **r_r, struct err *e)
{
	CLEANUP(reading_freep) struct parser_reading *r = MEM_NEW(struct parser_reading);

	if (parser_job_init(&r->job, pool->conf, PARSER_PARSE, 0, m, e))
		return -1;
	struct parser_worker *w = take(pool);

	if (parser_job_start(&r->job, w, e)) {
		give(pool, w);
		return -1;
	}
	lend(pool, r, w);
	*r_r = r;
	r = NULL;
	return 0;
}

static struct parsed *unread(enum parser_outcome outcome)
{
	struct parsed *p = parsed_new();

	p->flags = PARSE_FAILED | (outcome == PARSER_HUNG ? (uint32_t)PARSE_TIMEOUT : 0);
	return p;
}

int parser_pool_finish(struct parser_pool *pool, struct parser_reading **rp, struct parsed **p_r, struct err *e)
{
	CLEANUP(reading_freep) struct parser_reading *r = *rp;

	*rp = NULL;
	see_collected(pool, r);
	if (r->failed) {
		*e = r->err;
		return -1;
	}
	*p_r = r->job.outcome == PARSER_OK ? r->job.parsed : unread(r->job.outcome);
	r->job.parsed = NULL;
	return 0;
}

int parser_pool_parse(
	struct parser_pool *pool, const struct message *m, struct parsed **p_r, struct err *e)
{
	struct parser_reading *r;

	return parser_pool_start(pool, m, &r, e) || parser_pool_finish(pool, &r, p_r, e) ? -1 : 0;
}

/* ---- extracting ---- */

static int give_out(const struct message *data, int (*sink)(void *ctx, const void *data, size_t n),
	void *ctx, struct err *e)
{
	const uint8_t *at = message_bytes(data);
	uint64_t left = message_size(data);

	while (left) {
		size_t step = left > PARSER_CHUNK ? PARSER_CHUNK : (size_t)left;

		if (sink(ctx, at, step))
			return err_temporary(e, "the reader of the attachment gave up");
		at += step;
		left -= step;
	}
	return 1;
}

int parser_pool_extract(struct parser_pool *pool, const struct message *m, uint32_t index,
	int (*sink)(void *ctx, const void *data, size_t n), void *ctx, struct err *e)
{
	CLEANUP(parser_job_deinit) struct parser_job job;

	if (parser_job_init(&job, pool->conf, PARSER_EXTRACT, index, m, e))
		return -1;
	struct parser_worker *w = take(pool);
	int failed = parser_job_start(&job, w, e) || parser_job_finish(&job, w, e);

	retire(pool, w);
	give(pool, w);
	if (failed)
		return -1;
	if (job.outcome != PARSER_OK)
		return err_permanent(e,
			"extract(attachment %u) failed: the parser could not read the message",
			index);
	return job.data ? give_out(job.data, sink, ctx, e) : 0;
}
