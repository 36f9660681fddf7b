#include "archive/indexer.h"

#include "archive/indexed.h"
#include "archive/lockfile.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "sys/proc.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ADD_DOCUMENTS 64 /* most of one request to the index */
#define ADD_BYTES ((size_t)2 * 1024 * 1024)
#define APART_US (CLOCK_SECOND / 10) /* callers wait when the group before was longer ago */
#define REST_US (5 * CLOCK_SECOND)   /* while they are not, documents wait for so long at most */
#define QUEUE_DOCUMENTS 1024	     /* queued before it: then it is left to the outbox */
#define QUEUE_BYTES ((size_t)4 * 1024 * 1024)
#define SYNC_US (CLOCK_SECOND / 2)   /* for what was added to be made durable ... */
#define SYNC_DOCUMENTS 512	     /* ... or when there is so much of it */
#define RETRY_MIN_US CLOCK_SECOND
#define RETRY_MAX_US (30 * CLOCK_SECOND)
#define FINISH_US (5 * CLOCK_SECOND)

enum batch_state { BATCH_QUEUED, BATCH_INDEXED, BATCH_FAILED };

/* The documents of one group. */
struct index_batch {
	struct index_batch *next;
	struct document **documents;
	size_t n;
	size_t bytes;
	bool *refused;	/* of each document, whether the index will not have it */
	size_t refused_count;
	size_t waiters; /* callers that have not come back from indexer_wait() */
	bool awaited;	/* there were any when it was queued */
	bool must;	/* its callers will take it off the outbox: make it durable first */
	int64_t due_us; /* when to add it at the latest; monotonic */
	enum batch_state state;
	pthread_cond_t tried;
};

struct indexer {
	const struct conf *conf;
	struct indexed *indexed;
	struct index *index; /* the thread's own */
	int64_t retry_us;    /* the thread's own: the next pause */
	struct {
		struct uuid *ids;
		size_t n, cap;
	} added;	     /* the thread's own: in the index, but not durable there */
	int64_t sync_due_us; /* the thread's own: when `added` is to become durable; monotonic */
	pthread_t thread;
	pthread_mutex_t lock;
	/* under the lock: */
	pthread_cond_t work;
	struct index_batch *head, **tail;
	size_t documents, bytes; /* queued and being added */
	size_t awaited;		 /* batches that are queued and were waited for */
	int64_t busy_us;	 /* a group was last offered, or its callers let go; monotonic */
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

static struct index_batch *batch_new(
	struct document **documents, size_t n, size_t waiters, int64_t due_us)
{
	struct index_batch *b = MEM_NEW(struct index_batch);

	b->documents = mem_dup(documents, n * sizeof(*documents));
	b->n = n;
	b->refused = MEM_ARRAY(bool, n);
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
	free(b->refused);
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
	return x->documents == 0 ||
		(x->documents + n <= QUEUE_DOCUMENTS && x->bytes + bytes <= QUEUE_BYTES);
}

/* A document alone costs the index several times what it costs among many: where messages follow
 * each other closely nobody waits, and they are added together. */
static bool worth_waiting(const struct indexer *x, enum indexer_haste haste, bool apart)
{
	return haste == INDEXER_MUST || x->conf->index_required ||
		(apart && x->conf->index_wait_us > 0);
}

/* The lock is held. */
static void enqueue(struct indexer *x, struct index_batch *b)
{
	*x->tail = b;
	x->tail = &b->next;
	x->documents += b->n;
	x->bytes += b->bytes;
	b->awaited = b->waiters > 0;
	x->awaited += b->awaited;
	if (b->waiters || x->head == b)
		pthread_cond_signal(&x->work);
}

struct index_batch *indexer_offer(struct indexer *x, struct document **documents, size_t n,
	size_t waiters, enum indexer_haste haste)
{
	size_t bytes = bytes_of(documents, n);
	int64_t now = clock_monotonic_us();

	pthread_mutex_lock(&x->lock);
	bool apart = now - x->busy_us >= APART_US;

	x->busy_us = now;
	if (!has_room(x, n, bytes)) {
		pthread_mutex_unlock(&x->lock);
		free_documents(documents, n);
		return NULL;
	}
	bool wait = worth_waiting(x, haste, apart);
	struct index_batch *b = batch_new(documents, n, wait ? waiters : 0, now + REST_US);

	b->must = haste == INDEXER_MUST;
	enqueue(x, b);
	pthread_mutex_unlock(&x->lock);
	return wait ? b : NULL;
}

bool indexer_wait(struct indexer *x, struct index_batch *b, int64_t wait_us, bool *refused_r)
{
	int64_t until = clock_monotonic_us() + wait_us;

	pthread_mutex_lock(&x->lock);
	while (b->state == BATCH_QUEUED && wait_until(&b->tried, &x->lock, until) != ETIMEDOUT)
		;
	bool indexed = b->state == BATCH_INDEXED && (refused_r || !b->refused_count);

	if (indexed && refused_r)
		memcpy(refused_r, b->refused, b->n * sizeof(*refused_r));
	bool last = --b->waiters == 0 && b->state != BATCH_QUEUED;

	x->busy_us = clock_monotonic_us(); /* a client that goes on at once waited long enough */
	pthread_mutex_unlock(&x->lock);
	if (last)
		batch_free(b);
	return indexed;
}

size_t indexer_take_done(struct indexer *x, struct uuid *ids_r, size_t max)
{
	return indexed_take(x->indexed, ids_r, max);
}

int indexer_clear_outbox(struct indexer *x, struct err *e)
{
	return indexed_clear(x->indexed, e);
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

/* The next batches, as many as one request takes (at least one), off the queue; NULL when it is
 * empty. */
static struct index_batch *take_run(struct indexer *x)
{
	struct index_batch *first = x->head, *b = first;
	size_t n = 0, bytes = 0;

	if (!first)
		return NULL;
	for (;;) {
		n += b->n;
		bytes += b->bytes;
		x->awaited -= b->awaited; /* they may have given up */
		if (!b->next || n + b->next->n > ADD_DOCUMENTS ||
			bytes + b->next->bytes > ADD_BYTES)
			break;
		b = b->next;
	}
	x->head = b->next;
	if (!x->head)
		x->tail = &x->head;
	b->next = NULL;
	return first;
}

/* Lets go of a run's documents, but for the ids of those that the index has, which come back; caller frees. */
static struct uuid *reduce_to_ids(struct index_batch *run, size_t *n_r)
{
	size_t n = 0, at = 0;

	for (const struct index_batch *b = run; b; b = b->next)
		n += b->n;
	struct uuid *ids = MEM_ARRAY(struct uuid, n);

	for (struct index_batch *b = run; b; b = b->next) {
		for (size_t i = 0; i < b->n; i++)
			if (!b->refused[i])
				ids[at++] = b->documents[i]->doc.id;
		free_documents(b->documents, b->n);
	}
	*n_r = at;
	return ids;
}

/* Tells the callers of a run how it ended. */
static void tell(struct indexer *x, struct index_batch *run, enum batch_state state)
{
	pthread_mutex_lock(&x->lock);
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
	x->added.n = 0; /* they stay on the outbox */
	if (x->index)
		index_closep(&x->index);
	log_warn(NULL, "the index is down, messages stay on its outbox until it is back; "
		       "it is tried again in %lld s (if it is damaged, strongroom-workerd builds a "
		       "new one): %s",
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

static void count_refused(struct index_batch *run)
{
	for (struct index_batch *b = run; b; b = b->next)
		for (size_t i = 0; i < b->n; i++)
			b->refused_count += b->refused[i];
}

static int add_run(struct indexer *x, struct index_batch *run, struct err *e)
{
	size_t n = 0, at = 0;

	for (const struct index_batch *b = run; b; b = b->next)
		n += b->n;
	_free_ struct index_doc *docs = MEM_ARRAY(struct index_doc, n);

	for (const struct index_batch *b = run; b; b = b->next)
		for (size_t i = 0; i < b->n; i++, at++) {
			docs[at] = b->documents[i]->doc;
			docs[at].refused = &b->refused[i];
		}
	if (FAULT("archive.index"))
		return err_temporary(e, "index_add() failed: fault");
	if (index_add(x->index, docs, n, e))
		return -1;
	count_refused(run);
	if (FAULT("archive.indexed"))
		return err_temporary(e, "index_add() failed: fault");
	return 0;
}

/* What was added may come off the outbox from here on. */
static int make_durable(struct indexer *x, struct err *e)
{
	if (!x->added.n)
		return 0;
	if (index_sync(x->index, e))
		return -1;
	indexed_add(x->indexed, x->added.ids, x->added.n);
	x->added.n = 0;
	return 0;
}

static void note_added(struct indexer *x, const struct uuid *ids, size_t n)
{
	if (!x->added.n)
		x->sync_due_us = clock_monotonic_us() + SYNC_US;
	if (x->added.n + n > x->added.cap) {
		x->added.cap = 2 * (x->added.n + n);
		x->added.ids = mem_realloc(x->added.ids, x->added.cap, sizeof(*x->added.ids));
	}
	if (n)
		memcpy(x->added.ids + x->added.n, ids, n * sizeof(*ids));
	x->added.n += n;
}

static bool has_must(const struct index_batch *run)
{
	while (run && !run->must)
		run = run->next;
	return run != NULL;
}

/* Adds a run and tells its callers. Nothing of it is done under the lock but what has to be:
 * this thread may be kept from the processor there, and capture with it. */
static void work_off(struct indexer *x, struct index_batch *run)
{
	struct err e = { 0 };
	/* Asked before adding: a rebuild that begins later walks past these messages, for they
	 * are committed. */
	bool off_outbox = !lockfile_is_held(x->conf->run_dir, INDEXER_REBUILD_LOCK);
	int failed = add_run(x, run, &e);
	size_t n;
	_free_ struct uuid *ids = reduce_to_ids(run, &n);

	if (!failed && off_outbox)
		note_added(x, ids, n);
	if (!failed && has_must(run))
		failed = make_durable(x, &e);
	if (failed)
		lose_index(x, &e); /* first, so that whoever is told finds it down, and why */
	else
		x->retry_us = RETRY_MIN_US;
	tell(x, run, failed ? BATCH_FAILED : BATCH_INDEXED);
}

/* With nobody waiting for it. */
static void make_durable_when_due(struct indexer *x)
{
	struct err e = { 0 };
	bool due = x->added.n >= SYNC_DOCUMENTS || clock_monotonic_us() >= x->sync_due_us;

	if (x->index && x->added.n && due && make_durable(x, &e))
		lose_index(x, &e);
}

/* ---- the thread: its life ---- */

/* When to add what is queued: as soon as capture pauses, or has not done so for long enough. The
 * lock is held. */
static int64_t due_at(const struct indexer *x)
{
	int64_t pause = x->busy_us + APART_US;

	if (x->stop || x->awaited)
		return 0;
	if (!x->head)
		return INT64_MAX;
	return pause < x->head->due_us ? pause : x->head->due_us;
}

/* Waits until documents are to be added, or what was added is to become durable (NULL); the lock is
 * held. */
static struct index_batch *next_run(struct indexer *x)
{
	int64_t sync = x->added.n ? x->sync_due_us : INT64_MAX, now, due;

	while ((now = clock_monotonic_us()) < (due = due_at(x))) {
		if (now >= sync)
			return NULL;
		wait_until(&x->work, &x->lock, due < sync ? due : sync);
	}
	if (x->stop && now > x->stop_by_us)
		return NULL;
	return take_run(x);
}

/* Works while the index is open. */
static void serve(struct indexer *x)
{
	bool stopping = false;

	while (x->index && !stopping) {
		pthread_mutex_lock(&x->lock);
		struct index_batch *run = next_run(x);

		stopping = x->stop && !run;
		pthread_mutex_unlock(&x->lock);
		if (run)
			work_off(x, run);
		make_durable_when_due(x);
	}
}

/* What is queued stays on the outbox. */
static void give_up_queue(struct indexer *x)
{
	pthread_mutex_lock(&x->lock);
	struct index_batch *queue = x->head;
	size_t n;

	x->head = NULL;
	x->tail = &x->head;
	x->awaited = 0;
	pthread_mutex_unlock(&x->lock);
	free(reduce_to_ids(queue, &n));
	tell(x, queue, BATCH_FAILED);
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

static void finish(struct indexer *x)
{
	struct err e = { 0 };

	if (make_durable(x, &e))
		lose_index(x, &e);
	else
		index_closep(&x->index);
}

static void *run_thread(void *arg)
{
	struct indexer *x = arg;

	if (!x->conf->index_required)
		proc_background();
	do {
		if (open_index(x) == 0)
			serve(x);
		give_up_queue(x);
	} while (pause_before_retry(x));
	if (x->index)
		finish(x);
	return NULL;
}

struct indexer *indexer_new(const struct conf *conf, struct meta *meta)
{
	struct indexer *x = MEM_NEW(struct indexer);

	x->conf = conf;
	x->indexed = indexed_new(meta);
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
	indexed_freep(&was->indexed);
	free(was->added.ids);
	free(was);
}
