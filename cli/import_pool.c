#include "cli/import_pool.h"

#include "base/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS 6 /* waiting 0.2, 0.4 … 3.2 s in between: longer than a restart of a database takes */
#define FIRST_WAIT_US (CLOCK_SECOND / 5)
#define WAIT_MAX_US (10 * CLOCK_SECOND)

struct waiting {
	struct capture capture;
	uint64_t number;
};

struct import_pool {
	struct archive *archive;
	import_settled *settled; /* NULL: nobody is told */
	void *ctx;
	bool patient;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	struct waiting *queue; /* a ring */
	size_t queue_max, queue_at, queue_n;
	size_t at_work; /* taken and not settled */
	uint64_t bytes, bytes_max; /* of messages that wait or are being archived */
	bool closed;
	struct import_account account;
	struct progress line;
	int64_t began_us;
	size_t thread_count;
	pthread_t *threads;
};

/* With the lock. */
static void show(struct import_pool *p)
{
	const struct import_account *a = &p->account;
	int64_t us = clock_monotonic_us() - p->began_us;

	progress_show(&p->line,
		"%" PRIu64 " offered, %" PRIu64 " archived, %" PRIu64 " already there, %" PRIu64 " refused, %.0f/s", a->offered,
		a->archived, a->known, a->refused, (double)(a->archived + a->known) * CLOCK_SECOND / (double)(us + 1));
}

/* With the lock. */
static void refuse(struct import_pool *p, const char *where, const char *why)
{
	p->account.refused++;
	progress_end(&p->line);
	printf("refused %s: %s\n", where, why);
}

void import_pool_refuse(struct import_pool *p, const char *where, const char *why)
{
	pthread_mutex_lock(&p->lock);
	p->account.offered++;
	refuse(p, where, why);
	pthread_mutex_unlock(&p->lock);
}

bool import_pool_stopped(struct import_pool *p)
{
	pthread_mutex_lock(&p->lock);
	bool stopped = p->account.gave_up || progress_stopped();

	pthread_mutex_unlock(&p->lock);
	return stopped;
}

/* Not longer than until somebody wants it to stop. */
static void wait_us(struct import_pool *p, int64_t us)
{
	const struct timespec t = { .tv_nsec = FIRST_WAIT_US * 1000 };
	int64_t end_us = clock_monotonic_us() + us;

	while (clock_monotonic_us() < end_us && !import_pool_stopped(p))
		nanosleep(&t, NULL);
}

/* A temporary failure is waited out for a while. */
static int put_patiently(struct import_pool *p, const struct capture *c, struct archive_receipt *r_r, struct err *e)
{
	struct log_context ctx = { 0 };
	int64_t wait = FIRST_WAIT_US;
	int rc;

	log_context_set(&ctx, "source", c->client);
	for (int i = 1;; i++) {
		rc = archive_put(p->archive, c, &ctx, r_r, e);
		if (rc == 0 || e->class == ERR_PERMANENT || (i >= ATTEMPTS && !p->patient) || import_pool_stopped(p))
			return rc;
		wait_us(p, wait);
		wait = wait < WAIT_MAX_US ? wait * 2 : wait;
	}
}

/* With the lock. */
static enum import_outcome note_failure(struct import_pool *p, const struct capture *c, const struct err *e)
{
	if (e->class != ERR_PERMANENT && !p->account.gave_up && !p->patient) {
		p->account.gave_up = true;
		p->account.failure = *e;
	}
	if (e->class != ERR_PERMANENT && p->settled) {
		p->account.offered--;
		return IMPORT_LEFT;
	}
	refuse(p, c->client, e->text);
	return IMPORT_REFUSED;
}

static void archive_one(struct import_pool *p, const struct waiting *w)
{
	const struct capture *c = &w->capture;
	struct archive_receipt receipt;
	enum import_outcome outcome = IMPORT_ARCHIVED;
	struct err e = { 0 };
	int rc = put_patiently(p, c, &receipt, &e);

	pthread_mutex_lock(&p->lock);
	if (rc < 0)
		outcome = note_failure(p, c, &e);
	else if (receipt.known)
		p->account.known++;
	else
		p->account.archived++;
	if (p->settled)
		p->settled(p->ctx, w->number, outcome);
	p->at_work--;
	p->bytes -= message_size(c->message);
	pthread_cond_broadcast(&p->changed);
	show(p);
	pthread_mutex_unlock(&p->lock);
}

/* The next capture, or false when there will be none. */
static bool take(struct import_pool *p, struct waiting *w_r)
{
	pthread_mutex_lock(&p->lock);
	while (!p->queue_n && !p->closed)
		pthread_cond_wait(&p->changed, &p->lock);
	bool there = p->queue_n > 0;

	if (there) {
		*w_r = p->queue[p->queue_at];
		p->at_work++;
		p->queue_at = (p->queue_at + 1) % p->queue_max;
		p->queue_n--;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return there;
}

static void *work(void *ctx)
{
	struct waiting w;

	while (take(ctx, &w)) {
		archive_one(ctx, &w);
		capture_deinit(&w.capture);
	}
	return NULL;
}

struct import_pool *import_pool_new(struct archive *a, size_t threads, uint64_t bytes_max)
{
	struct import_pool *p = MEM_NEW(struct import_pool);

	p->archive = a;
	p->bytes_max = bytes_max;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->queue_max = threads;
	p->queue = MEM_ARRAY(struct waiting, threads);
	p->began_us = clock_monotonic_us();
	p->threads = MEM_ARRAY(pthread_t, threads);
	for (; p->thread_count < threads; p->thread_count++) {
		int failed = pthread_create(&p->threads[p->thread_count], NULL, work, p);

		if (failed && !p->thread_count)
			log_fatal(NULL, "pthread_create() failed: %s", strerror(failed));
		if (failed)
			break;
	}
	return p;
}

/* With the lock. */
static bool has_room(const struct import_pool *p, uint64_t size)
{
	return p->queue_n < p->queue_max && (p->bytes == 0 || p->bytes + size <= p->bytes_max);
}

void import_pool_put(struct import_pool *p, struct capture *c, uint64_t number)
{
	uint64_t size = message_size(c->message);

	pthread_mutex_lock(&p->lock);
	while (!has_room(p, size))
		pthread_cond_wait(&p->changed, &p->lock);
	p->bytes += size;
	p->queue[(p->queue_at + p->queue_n++) % p->queue_max] = (struct waiting){ *c, number };
	p->account.offered++;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	*c = (struct capture){ 0 };
}

void import_pool_drain(struct import_pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->queue_n || p->at_work)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void import_pool_account(struct import_pool *p, struct import_account *account_r)
{
	pthread_mutex_lock(&p->lock);
	*account_r = p->account;
	pthread_mutex_unlock(&p->lock);
}

void import_pool_follow(struct import_pool *p, import_settled *settled, void *ctx, bool patient)
{
	import_pool_drain(p);
	pthread_mutex_lock(&p->lock);
	p->settled = settled;
	p->ctx = ctx;
	p->patient = patient;
	pthread_mutex_unlock(&p->lock);
}

void import_pool_finish(struct import_pool **pp, struct import_account *account_r)
{
	struct import_pool *p = *pp;

	pthread_mutex_lock(&p->lock);
	p->closed = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	progress_end(&p->line);
	*account_r = p->account;
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p->queue);
	free(p);
	*pp = NULL;
}
