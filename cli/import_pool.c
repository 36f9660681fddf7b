#include "cli/import_pool.h"

#include "base/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS 6 /* waiting 0.2, 0.4 … 3.2 s in between: longer than a restart of a database takes */
#define FIRST_WAIT_US (CLOCK_SECOND / 5)

struct import_pool {
	struct archive *archive;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	struct capture *queue; /* a ring */
	size_t queue_max, queue_at, queue_n;
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

static void wait_us(int64_t us)
{
	const struct timespec t = { .tv_sec = us / CLOCK_SECOND, .tv_nsec = us % CLOCK_SECOND * 1000 };

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
		if (rc == 0 || e->class == ERR_PERMANENT || i == ATTEMPTS || import_pool_stopped(p))
			return rc;
		wait_us(wait);
		wait *= 2;
	}
}

static void archive_one(struct import_pool *p, const struct capture *c)
{
	struct archive_receipt receipt;
	struct err e = { 0 };
	int rc = put_patiently(p, c, &receipt, &e);

	pthread_mutex_lock(&p->lock);
	if (rc < 0) {
		refuse(p, c->client, e.text);
		if (e.class != ERR_PERMANENT && !p->account.gave_up) {
			p->account.gave_up = true;
			p->account.failure = e;
		}
	} else if (receipt.known) {
		p->account.known++;
	} else {
		p->account.archived++;
	}
	p->bytes -= message_size(c->message);
	pthread_cond_broadcast(&p->changed);
	show(p);
	pthread_mutex_unlock(&p->lock);
}

/* The next capture, or false when there will be none. */
static bool take(struct import_pool *p, struct capture *c_r)
{
	pthread_mutex_lock(&p->lock);
	while (!p->queue_n && !p->closed)
		pthread_cond_wait(&p->changed, &p->lock);
	bool there = p->queue_n > 0;

	if (there) {
		*c_r = p->queue[p->queue_at];
		p->queue_at = (p->queue_at + 1) % p->queue_max;
		p->queue_n--;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return there;
}

static void *work(void *ctx)
{
	struct capture c;

	while (take(ctx, &c)) {
		archive_one(ctx, &c);
		capture_deinit(&c);
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
	p->queue = MEM_ARRAY(struct capture, threads);
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

void import_pool_put(struct import_pool *p, struct capture *c)
{
	uint64_t size = message_size(c->message);

	pthread_mutex_lock(&p->lock);
	while (!has_room(p, size))
		pthread_cond_wait(&p->changed, &p->lock);
	p->bytes += size;
	p->queue[(p->queue_at + p->queue_n++) % p->queue_max] = *c;
	p->account.offered++;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	*c = (struct capture){ 0 };
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
