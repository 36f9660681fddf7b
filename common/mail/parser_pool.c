#include "mail/parser_pool.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "mail/parser_worker.h"
#include "sys/io.h"

#include <pthread.h>
#include <string.h>

#define SERVES_MAX 2000			   /* requests in the life of a worker */
#define START_TIMEOUT (10 * CLOCK_SECOND)  /* generous: on a busy machine a start takes its time */
#define EXTRACT_MAX (512ull * 1024 * 1024) /* decoded bytes of one attachment */

struct parser_pool {
	const struct conf *conf;
	struct parser_worker *workers;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct parser_worker **idle; /* the last is taken first: it is the warmest */
	size_t count, idle_count;
};

/* One request and what its answer is kept in. */
struct job {
	struct parser_request request;
	const struct message *message;
	struct parsed *parsed;
	struct message *data; /* what was extracted; NULL: there is no such attachment */
};

static struct parser_worker *take(struct parser_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (!pool->idle_count)
		pthread_cond_wait(&pool->freed, &pool->lock);
	struct parser_worker *w = pool->idle[--pool->idle_count];

	pthread_mutex_unlock(&pool->lock);
	return w;
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
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->lock);
}

static int start(struct parser_pool *pool, struct parser_worker *w, struct err *e)
{
	if (w->pid)
		return 0;
	return parser_worker_start(w, pool->conf->parser_program, pool->conf->parser_memory_max, e);
}

/* A worker that can take a request now. */
static int ensure(struct parser_pool *pool, struct parser_worker *w, struct err *e)
{
	return start(pool, w, e) ||
			       parser_worker_wait_ready(w, clock_monotonic_us() + START_TIMEOUT, e)
		       ? -1
		       : 0;
}

/* ---- one attempt ---- */

static enum parser_outcome receive_parsed(
	struct parser_worker *w, struct job *job, int64_t deadline)
{
	const uint8_t *payload;
	enum parser_answer kind;
	size_t n;
	enum parser_outcome outcome = parser_worker_receive(w, deadline, &kind, &payload, &n);

	if (outcome != PARSER_OK)
		return outcome;
	return kind == PARSER_PARSED && parsed_decode(&job->parsed, payload, n) == 0 ? PARSER_OK
										     : PARSER_DIED;
}

/* Everything is taken in before anything is given on: a slow reader of ours must not hold a worker,
 * and a worker that dies half-way can be replaced without anybody noticing. -1 in *failed_r: our
 * own temporary failure, in *e. */
static enum parser_outcome receive_data(struct parser_pool *pool, struct parser_worker *w,
	struct job *job, int64_t deadline, int *failed_r, struct err *e)
{
	CLEANUP(message_freep)
	struct message *data = message_new(pool->conf->spool_dir, EXTRACT_MAX);

	for (;;) {
		const uint8_t *payload;
		enum parser_answer kind;
		size_t n;
		enum parser_outcome outcome =
			parser_worker_receive(w, deadline, &kind, &payload, &n);

		if (outcome != PARSER_OK)
			return outcome;
		if (kind == PARSER_NONE)
			return PARSER_OK;
		if (kind == PARSER_END)
			break;
		if (kind != PARSER_DATA)
			return PARSER_DIED;
		if (message_append(data, payload, n, e)) {
			*failed_r = -1;
			return PARSER_DIED; /* in the middle of an answer: of no use to the next
					       caller */
		}
	}
	*failed_r = message_finish(data, e);
	job->data = data;
	data = NULL;
	return PARSER_OK;
}

/* Hands the request over; a worker that ended while it was idle is replaced without counting as an
 * attempt. */
static int send_request(
	struct parser_pool *pool, struct parser_worker *w, const struct job *job, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		if (ensure(pool, w, e))
			return -1;
		if (parser_worker_send(w, &job->request) == 0)
			return 0;
		log_warn(NULL, "a parser worker (pid %d) ended while it was idle", (int)w->pid);
		parser_worker_stop(w, NULL);
	}
	return err_temporary(
		e, "send(strongroom-parser) failed: workers end as soon as they start");
}

static void log_loss(const struct job *job, int pid, enum parser_outcome outcome, int status)
{
	char hash[SHA256_TEXT_SIZE];

	hex_encode(hash, message_sha256(job->message), SHA256_SIZE);
	log_warn(NULL,
		"parser worker (pid %d) %s on the message with SHA-256 %s (wait status 0x%x)", pid,
		outcome == PARSER_HUNG ? "took too long" : "ended or answered nonsense", hash,
		(unsigned)status);
}

static enum parser_outcome attempt(struct parser_pool *pool, struct parser_worker *w,
	struct job *job, int *failed_r, struct err *e)
{
	int64_t deadline = clock_monotonic_us() + pool->conf->parser_timeout_us;
	enum parser_outcome outcome = job->request.op == PARSER_PARSE
					      ? receive_parsed(w, job, deadline)
					      : receive_data(pool, w, job, deadline, failed_r, e);

	if (outcome != PARSER_OK) {
		int pid = (int)w->pid, status;

		parser_worker_stop(w, &status);
		if (!*failed_r)
			log_loss(job, pid, outcome, status);
	}
	return outcome;
}

/* Runs the job, twice if a worker is lost over it. -1: our own temporary failure; else 0 and what
 * became of it. */
static int run(struct parser_pool *pool, struct parser_worker *w, struct job *job,
	enum parser_outcome *outcome_r, struct err *e)
{
	int failed = 0;

	for (int i = 0; i < 2 && !failed; i++) {
		if (send_request(pool, w, job, e))
			return -1;
		*outcome_r = attempt(pool, w, job, &failed, e);
		if (*outcome_r == PARSER_OK)
			break;
	}
	return failed;
}

/* After its turn a worker is replaced: whatever leaked or was taken over ends with it. */
static void retire(struct parser_pool *pool, struct parser_worker *w)
{
	struct err e;

	if (w->pid && ++w->served < SERVES_MAX)
		return;
	parser_worker_stop(w, NULL);
	if (start(pool, w, &e))
		log_error(NULL, "%s", e.text); /* the next caller tries again */
}

static int run_on_any(
	struct parser_pool *pool, struct job *job, enum parser_outcome *outcome_r, struct err *e)
{
	int64_t cpu_ms = pool->conf->parser_timeout_us / 1000 + 1;
	uint64_t size = message_size(job->message);
	_close_ int fd = size > PARSER_INLINE_MAX ? message_open_fd(job->message, e) : -1;

	if (fd < 0 && size > PARSER_INLINE_MAX)
		return -1;
	job->request.cpu_ms = cpu_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)cpu_ms;
	job->request.bytes = message_bytes(job->message);
	job->request.length = (size_t)size;
	job->request.fd = fd;
	struct parser_worker *w = take(pool);
	int result = run(pool, w, job, outcome_r, e);

	retire(pool, w);
	give(pool, w);
	return result;
}

/* ---- the interface ---- */

int parser_pool_open(struct parser_pool **pool_r, const struct conf *conf, struct err *e)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = MEM_NEW(struct parser_pool);

	pool->conf = conf;
	pool->count = conf->parser_workers ? (size_t)conf->parser_workers : 1;
	pool->workers = MEM_ARRAY(struct parser_worker, pool->count);
	pool->idle = MEM_ARRAY(struct parser_worker *, pool->count);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->freed, NULL);
	for (size_t i = 0; i < pool->count; i++)
		pool->workers[i].socket = -1;
	for (size_t i = 0; i < pool->count; i++)
		if (start(pool, &pool->workers[i], e))
			return -1;
	for (size_t i = 0; i < pool->count; i++) {
		if (ensure(pool, &pool->workers[i], e))
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
	pthread_cond_destroy(&pool->freed);
	pthread_mutex_destroy(&pool->lock);
	free(pool->workers);
	free(pool->idle);
	free(pool);
	*pp = NULL;
}

int parser_pool_parse(
	struct parser_pool *pool, const struct message *m, struct parsed **p_r, struct err *e)
{
	struct job job = { .request = { .op = PARSER_PARSE }, .message = m };
	enum parser_outcome outcome;

	if (run_on_any(pool, &job, &outcome, e))
		return -1;
	if (outcome != PARSER_OK) {
		job.parsed = parsed_new();
		job.parsed->flags =
			PARSE_FAILED | (outcome == PARSER_HUNG ? (uint32_t)PARSE_TIMEOUT : 0);
	}
	*p_r = job.parsed;
	return 0;
}

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
	struct job job = { .request = { .op = PARSER_EXTRACT, .index = index }, .message = m };
	enum parser_outcome outcome;
	int failed = run_on_any(pool, &job, &outcome, e);
	CLEANUP(message_freep) struct message *data = job.data;

	if (failed)
		return -1;
	if (outcome != PARSER_OK)
		return err_permanent(e,
			"extract(attachment %u) failed: the parser could not read the message",
			index);
	return data ? give_out(data, sink, ctx, e) : 0;
}
