#include "archive/indexer.h"

#include "archive/lockfile.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "meta/maintenance.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define ADD_DOCUMENTS 64		       /* most of one request to the index */
#define ADD_BYTES ((size_t)2 * 1024 * 1024)
#define WAIT_DOCUMENTS 4		       /* queued before it: then its callers don't wait, */
#define WAIT_APART_US (CLOCK_SECOND / 50)      /* nor when the last group was under way more shortly before */
#define GATHER_US (CLOCK_SECOND / 20)	       /* how long documents that nobody waits for wait for company */
#define QUEUE_DOCUMENTS 1024		       /* queued before it: then it is left to the outbox */
#define QUEUE_BYTES ((size_t)4 * 1024 * 1024)
#define IDLE_US (CLOCK_SECOND / 4)	       /* no group for so long: take what is done off the outbox ourselves */
#define CLEAR_AT_ONCE 512
#define RETRY_MIN_US CLOCK_SECOND
#define RETRY_MAX_US (30 * CLOCK_SECOND)
#define FINISH_US (5 * CLOCK_SECOND)
#define NICE 10
#define REST_US (CLOCK_SECOND / 50)	       /* for each time that it was kept from the processor during a run, */
#define REST_MAX_US CLOCK_SECOND
#define QUIET_US (CLOCK_SECOND / 10)	       /* no group for so long: no rest */

enum batch_state { BATCH_QUEUED, BATCH_INDEXED, BATCH_FAILED };

/* The documents of one group. */
struct index_batch {
	struct index_batch *next;
	struct document **documents;
	size_t n;
	size_t bytes;
	size_t waiters; /* callers that have not come back from indexer_wait() */
	bool awaited;	/* there were any when it was queued */
	int64_t due_us; /* when to add it at the latest; monotonic */
	enum batch_state state;
	pthread_cond_t tried;
};

struct indexer {
	const struct conf *conf;
	struct meta *meta;
	struct index *index; /* the thread's own */
	int64_t retry_us;    /* the thread's own: the next pause */
	int64_t rest_until_us; /* the thread's own; monotonic */
	pthread_t thread;
	pthread_mutex_t lock;
	/* under the lock: */
	pthread_cond_t work;
	struct index_batch *head, **tail;
	size_t documents, bytes; /* queued and being added */
	size_t queued;		 /* documents that are queued */
	size_t awaited;		 /* batches that are queued and were waited for */
	int64_t busy_us;	 /* when a group was last offered, or its callers let go; monotonic */
	struct uuid *done;	 /* indexed, still on the outbox */
	size_t done_n, done_cap;
	bool open;
	bool tried; /* to open it, once at least */
	pthread_cond_t opened;
	bool stop;
	int64_t stop_by_us;
	struct err why; /* it is not open */
};

/* ---- batches ---- */

static size_t bytes_of(struct document **documents, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += documents[i]->bytes;
	return bytes;
}

static void free_documents(struct document **documents, size_t n)
{
	for (size_t i = 0; i < n; i++)
		document_freep(&documents[i]);
}

static void init_monotonic(pthread_cond_t *c)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(c, &a);
	pthread_condattr_destroy(&a);
}

static struct index_batch *batch_new(struct document **documents, size_t n, size_t waiters, int64_t due_us)
{
	struct index_batch *b = MEM_NEW(struct index_batch);

	b->documents = mem_dup(documents, n * sizeof(*documents));
	b->n = n;
	b->bytes = bytes_of(documents, n);
	b->waiters = waiters;
	b->due_us = due_us;
	init_monotonic(&b->tried);
	return b;
}

static void batch_free(struct index_batch *b)
{
	pthread_cond_destroy(&b->tried);
	free(b->documents);
	free(b);
}

/* Until when a condition is waited for. */
static int wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t monotonic_us)
{
	struct timespec t = {
		.tv_sec = (time_t)(monotonic_us / CLOCK_SECOND),
		.tv_nsec = (long)(monotonic_us % CLOCK_SECOND) * 1000,
	};

	return pthread_cond_timedwait(c, lock, &t);
}

/* ---- callers ---- */

static bool has_room(const struct indexer *x, size_t n, size_t bytes)
{
	if (!x->open || x->stop)
		return false;
	return x->documents == 0 || (x->documents + n <= QUEUE_DOCUMENTS && x->bytes + bytes <= QUEUE_BYTES);
}

/* A document alone costs the index nearly twice what it costs among many. Where messages come one shortly after the
 * other nobody waits, and they are added together. */
static bool worth_waiting(struct indexer *x, enum indexer_haste haste, int64_t now)
{
	bool apart = now - x->busy_us >= WAIT_APART_US;

	x->busy_us = now;
	return haste == INDEXER_MUST || x->conf->index_required || (apart && x->documents <= WAIT_DOCUMENTS);
}

/* The lock is held. */
static void enqueue(struct indexer *x, struct index_batch *b)
{
	*x->tail = b;
	x->tail = &b->next;
	x->documents += b->n;
	x->bytes += b->bytes;
	x->queued += b->n;
	b->awaited = b->waiters > 0;
	x->awaited += b->awaited;
	if (b->waiters || x->queued == b->n || (x->queued >= ADD_DOCUMENTS && x->queued - b->n < ADD_DOCUMENTS))
		pthread_cond_signal(&x->work);
}

struct index_batch *indexer_offer(struct indexer *x, struct document **documents, size_t n, size_t waiters,
	enum indexer_haste haste)
{
	size_t bytes = bytes_of(documents, n);
	int64_t now = clock_monotonic_us();

	pthread_mutex_lock(&x->lock);
	if (!has_room(x, n, bytes)) {
		pthread_mutex_unlock(&x->lock);
		free_documents(documents, n);
		return NULL;
	}
	bool wait = worth_waiting(x, haste, now);
	struct index_batch *b = batch_new(documents, n, wait ? waiters : 0, now + GATHER_US);

	enqueue(x, b);
	pthread_mutex_unlock(&x->lock);
	return wait ? b : NULL;
}

bool indexer_wait(struct indexer *x, struct index_batch *b, int64_t wait_us)
{
	int64_t until = clock_monotonic_us() + wait_us;

	pthread_mutex_lock(&x->lock);
	while (b->state == BATCH_QUEUED && wait_until(&b->tried, &x->lock, until) != ETIMEDOUT)
		;
	bool indexed = b->state == BATCH_INDEXED;
	bool last = --b->waiters == 0 && b->state != BATCH_QUEUED;

	x->busy_us = clock_monotonic_us(); /* a client that goes on at once waited long enough */
	pthread_mutex_unlock(&x->lock);
	if (last)
		batch_free(b);
	return indexed;
}

size_t indexer_take_done(struct indexer *x, struct uuid *ids_r, size_t max)
{
	pthread_mutex_lock(&x->lock);
	size_t n = x->done_n < max ? x->done_n : max;

	x->done_n -= n;
	if (n)
		memcpy(ids_r, x->done + x->done_n, n * sizeof(*ids_r));
	pthread_mutex_unlock(&x->lock);
	return n;
}

int indexer_clear_outbox(struct indexer *x, struct err *e)
{
	struct uuid ids[CLEAR_AT_ONCE];
	size_t n;

	while ((n = indexer_take_done(x, ids, CLEAR_AT_ONCE)) > 0)
		if (meta_outbox_clear(x->meta, ids, n, e))
			return -1;
	return 0;
}

int indexer_ready(struct indexer *x, struct err *e)
{
	pthread_mutex_lock(&x->lock);
	int failed = x->open ? 0 : -1;

	if (failed)
		*e = x->why;
	pthread_mutex_unlock(&x->lock);
	return failed;
}

/* ---- the thread: the queue ---- */

/* The next batches, as many as one request takes (at least one), off the queue; NULL when it is empty. */
static struct index_batch *take_run(struct indexer *x)
{
	struct index_batch *first = x->head, *b = first;
	size_t n = 0, bytes = 0;

	if (!first)
		return NULL;
	for (;;) {
		n += b->n;
		bytes += b->bytes;
		x->queued -= b->n;
		x->awaited -= b->awaited; /* they may have given up */
		if (!b->next || n + b->next->n > ADD_DOCUMENTS || bytes + b->next->bytes > ADD_BYTES)
			break;
		b = b->next;
	}
	x->head = b->next;
	if (!x->head)
		x->tail = &x->head;
	b->next = NULL;
	return first;
}

/* The lock is held. */
static void note_done(struct indexer *x, const struct uuid *ids, size_t n)
{
	if (x->done_n + n > x->done_cap) {
		x->done_cap = 2 * (x->done_n + n);
		x->done = mem_realloc(x->done, x->done_cap, sizeof(*x->done));
	}
	if (n)
		memcpy(x->done + x->done_n, ids, n * sizeof(*ids));
	x->done_n += n;
}

/* Lets go of a run's documents, but for their ids, which come back; caller frees. */
static struct uuid *reduce_to_ids(struct index_batch *run, size_t *n_r)
{
	size_t n = 0, at = 0;

	for (const struct index_batch *b = run; b; b = b->next)
		n += b->n;
	struct uuid *ids = MEM_ARRAY(struct uuid, n);

	for (struct index_batch *b = run; b; b = b->next) {
		for (size_t i = 0; i < b->n; i++)
			ids[at++] = b->documents[i]->doc.id;
		free_documents(b->documents, b->n);
	}
	*n_r = n;
	return ids;
}

/* Tells the callers of a run how it ended. The lock is held. */
static void tell(struct indexer *x, struct index_batch *run, enum batch_state state)
{
	for (struct index_batch *b = run, *next; b; b = next) {
		next = b->next;
		x->documents -= b->n;
		x->bytes -= b->bytes;
		b->state = state;
		if (b->waiters)
			pthread_cond_broadcast(&b->tried); /* the last waiter frees it */
		else
			batch_free(b);
	}
}

/* Ends a run. Under the lock no more than has to be: this thread may be kept from the processor there, and capture
 * with it. */
static void settle(struct indexer *x, struct index_batch *run, enum batch_state state, bool off_outbox)
{
	size_t n;
	_free_ struct uuid *ids = reduce_to_ids(run, &n);

	pthread_mutex_lock(&x->lock);
	if (state == BATCH_INDEXED && off_outbox)
		note_done(x, ids, n);
	tell(x, run, state);
	pthread_mutex_unlock(&x->lock);
}

/* ---- the thread: the index ---- */

static void set_open(struct indexer *x, bool open, const struct err *why)
{
	pthread_mutex_lock(&x->lock);
	x->open = open;
	x->tried = true;
	if (why)
		x->why = *why;
	pthread_cond_signal(&x->opened);
	pthread_mutex_unlock(&x->lock);
}

static void lose_index(struct indexer *x, const struct err *why)
{
	set_open(x, false, why);
	if (x->index)
		index_closep(&x->index);
	log_warn(NULL, "the index is down, messages stay on its outbox until it is back; it is tried again in %lld s "
		       "(if it is damaged, strongroom-workerd builds a new one): %s",
		(long long)(x->retry_us / CLOCK_SECOND), why->text);
}

/* -1: it stays closed and the pause before the next trial has grown. */
static int open_index(struct indexer *x)
{
	struct err e = { 0 };

	if (index_open(&x->index, x->conf, INDEX_WRITE, &e)) {
		x->index = NULL;
		lose_index(x, &e);
		return -1;
	}
	set_open(x, true, NULL);
	return 0;
}

static int add_run(struct indexer *x, const struct index_batch *run, struct err *e)
{
	size_t n = 0, at = 0;

	for (const struct index_batch *b = run; b; b = b->next)
		n += b->n;
	_free_ struct index_doc *docs = MEM_ARRAY(struct index_doc, n);

	for (const struct index_batch *b = run; b; b = b->next)
		for (size_t i = 0; i < b->n; i++)
			docs[at++] = b->documents[i]->doc;
	if (FAULT("archive.index"))
		return err_temporary(e, "index_add() failed: fault");
	if (index_add(x->index, docs, n, e))
		return -1;
	if (FAULT("archive.indexed"))
		return err_temporary(e, "index_add() failed: fault");
	return 0;
}

static void work_off(struct indexer *x, struct index_batch *run)
{
	struct err e = { 0 };
	/* Asked before adding: a rebuild that begins later walks past these messages, for they are committed. */
	bool off_outbox = !lockfile_is_held(x->conf->run_dir, INDEXER_REBUILD_LOCK);
	int failed = add_run(x, run, &e);

	if (failed)
		lose_index(x, &e); /* first, so that whoever is told finds it down, and why */
	else
		x->retry_us = RETRY_MIN_US;
	settle(x, run, failed ? BATCH_FAILED : BATCH_INDEXED, off_outbox);
}

/* What fails stays on the outbox for workerd. */
static void clear_when_idle(struct indexer *x)
{
	struct err e = { 0 };

	if (indexer_clear_outbox(x, &e))
		log_warn(NULL, "some messages are indexed but stay on the outbox: %s", e.text);
}

/* ---- the thread: its life ---- */

/* When to add what is queued: with enough of it, or when it has waited long enough; after a rest while groups keep coming.
 * The lock is held. */
static int64_t due_at(const struct indexer *x)
{
	int64_t due = x->queued >= ADD_DOCUMENTS ? 0 : x->head->due_us, rest = x->busy_us + QUIET_US;

	if (rest > x->rest_until_us)
		rest = x->rest_until_us;
	return x->stop || x->awaited ? 0 : due > rest ? due : rest;
}

/* Waits for documents; the lock is held. *idle_r: none came, and something is waiting to be taken off the outbox. */
static struct index_batch *next_run(struct indexer *x, bool *idle_r)
{
	int64_t idle_at = clock_monotonic_us() + IDLE_US;

	*idle_r = false;
	while (!x->head && !x->stop) {
		if (!x->done_n) {
			pthread_cond_wait(&x->work, &x->lock);
			idle_at = clock_monotonic_us() + IDLE_US;
		} else if (wait_until(&x->work, &x->lock, idle_at) == ETIMEDOUT) {
			*idle_r = true;
			return NULL;
		}
	}
	while (x->head && clock_monotonic_us() < due_at(x))
		wait_until(&x->work, &x->lock, due_at(x));
	if (x->stop && clock_monotonic_us() > x->stop_by_us)
		return NULL;
	return take_run(x);
}

static long times_preempted(void)
{
	struct rusage u;

	return getrusage(RUSAGE_THREAD, &u) == 0 ? u.ru_nivcsw : 0;
}

/* A run, and the rest after it. A document takes as much processor time as all else that capture does with a message, and
 * more: where processors are short, capture gets them, and what is left to the outbox is indexed when it is over. */
static void work_and_rest(struct indexer *x, struct index_batch *run)
{
	long before = times_preempted();

	work_off(x, run);
	int64_t rest = (times_preempted() - before) * REST_US;

	x->rest_until_us = clock_monotonic_us() + (rest < REST_MAX_US ? rest : REST_MAX_US);
}

/* Works while the index is open. */
static void serve(struct indexer *x)
{
	bool stopping = false;

	while (x->index && !stopping) {
		bool idle;

		pthread_mutex_lock(&x->lock);
		struct index_batch *run = next_run(x, &idle);

		stopping = x->stop && !run;
		pthread_mutex_unlock(&x->lock);
		if (run)
			work_and_rest(x, run);
		else if (idle)
			clear_when_idle(x);
	}
}

/* What is queued stays on the outbox. */
static void give_up_queue(struct indexer *x)
{
	pthread_mutex_lock(&x->lock);
	struct index_batch *queue = x->head;

	x->head = NULL;
	x->tail = &x->head;
	x->queued = x->awaited = 0;
	pthread_mutex_unlock(&x->lock);
	settle(x, queue, BATCH_FAILED, false);
}

/* The pause between two trials; false when it is time to end. */
static bool pause_before_retry(struct indexer *x)
{
	int64_t until = clock_monotonic_us() + x->retry_us;

	x->retry_us = 2 * x->retry_us < RETRY_MAX_US ? 2 * x->retry_us : RETRY_MAX_US;
	pthread_mutex_lock(&x->lock);
	while (!x->stop && wait_until(&x->work, &x->lock, until) != ETIMEDOUT)
		;
	bool go_on = !x->stop;

	pthread_mutex_unlock(&x->lock);
	return go_on;
}

static void *run_thread(void *arg)
{
	struct indexer *x = arg;

	/* of this thread alone: Linux keeps it by thread; capture goes first */
	if (nice(NICE) < 0)
		log_debug(NULL, "nice(indexer) failed: %s", strerror(errno));
	do {
		if (open_index(x) == 0)
			serve(x);
		give_up_queue(x);
		clear_when_idle(x);
	} while (pause_before_retry(x));
	if (x->index)
		index_closep(&x->index);
	return NULL;
}

struct indexer *indexer_new(const struct conf *conf, struct meta *meta)
{
	struct indexer *x = MEM_NEW(struct indexer);

	x->conf = conf;
	x->meta = meta;
	x->retry_us = RETRY_MIN_US;
	x->tail = &x->head;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->opened, NULL);
	init_monotonic(&x->work);
	if (pthread_create(&x->thread, NULL, run_thread, x))
		log_fatal(NULL, "pthread_create(indexer) failed: out of threads");
	pthread_mutex_lock(&x->lock);
	while (!x->tried)
		pthread_cond_wait(&x->opened, &x->lock);
	pthread_mutex_unlock(&x->lock);
	return x;
}

void indexer_freep(struct indexer **x)
{
	struct indexer *was = *x;

	*x = NULL;
	if (!was)
		return;
	pthread_mutex_lock(&was->lock);
	was->stop = true;
	was->stop_by_us = clock_monotonic_us() + FINISH_US;
	pthread_cond_signal(&was->work);
	pthread_mutex_unlock(&was->lock);
	pthread_join(was->thread, NULL);
	pthread_cond_destroy(&was->work);
	pthread_cond_destroy(&was->opened);
	pthread_mutex_destroy(&was->lock);
	free(was->done);
	free(was);
}
