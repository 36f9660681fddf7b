#include "mail/parser_job.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "mail/parser_metrics.h"
#include "sys/io.h"

#define EXTRACT_MAX (512ull * 1024 * 1024) /* decoded bytes of one attachment */

int parser_job_init(struct parser_job *job, const struct conf *conf, enum parser_operation op, uint32_t index,
	const struct message *m, struct err *e)
{
	bool large = message_size(m) > PARSER_WINDOW;

	*job = (struct parser_job){
		.conf = conf,
		.request = { .op = op, .index = index, .message = m, .fd = large ? message_open_fd(m, e) : -1 },
	};
	return large && job->request.fd < 0 ? -1 : 0;
}

void parser_job_deinit(struct parser_job *job)
{
	io_closep(&job->request.fd);
	message_freep(&job->data);
	parsed_freep(&job->parsed);
}

/* ---- handing over ---- */

/* A worker that can take a request now. */
static int ensure(const struct parser_job *job, struct parser_worker *w, struct err *e)
{
	if (!w->pid && parser_worker_start(w, job->conf->parser_program, job->conf->parser_memory_max, e))
		return -1;
	return parser_worker_wait_ready(w, e);
}

int parser_job_start(struct parser_job *job, struct parser_worker *w, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		if (ensure(job, w, e))
			return -1;
		if (parser_worker_send(w, &job->request) == 0)
			return 0;
		/* not an attempt: it had not heard of the message */
		log_warn(NULL, "a parser worker (pid %d) ended while it was idle", (int)w->pid);
		parser_worker_stop(w, NULL);
		metric_add(&parser_replaced, PARSER_ENDED_IDLE, 1);
	}
	return err_temporary(
		e, "send(strongroom-parser) failed: workers end as soon as they start");
}

/* ---- one attempt ---- */

static enum parser_outcome receive_parsed(
	struct parser_job *job, struct parser_worker *w, int64_t deadline)
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
static enum parser_outcome receive_data(struct parser_job *job, struct parser_worker *w,
	int64_t deadline, int *failed_r, struct err *e)
{
	CLEANUP(message_freep)
	struct message *data = message_new(job->conf->spool_dir, EXTRACT_MAX);

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

static void log_loss(const struct parser_job *job, int pid, enum parser_outcome outcome, int status)
{
	char hash[SHA256_TEXT_SIZE];

	hex_encode(hash, message_sha256(job->request.message), SHA256_SIZE);
	log_warn(NULL,
		"parser worker (pid %d) %s on the message with SHA-256 %s (wait status 0x%x)", pid,
		outcome == PARSER_HUNG ? "took too long" : "ended or answered nonsense", hash,
		(unsigned)status);
}

static enum parser_outcome receive(struct parser_job *job, struct parser_worker *w, int *failed_r, struct err *e)
{
	int64_t deadline = clock_monotonic_us() + job->conf->parser_timeout_us;
	enum parser_outcome outcome = job->request.op == PARSER_PARSE
					      ? receive_parsed(job, w, deadline)
					      : receive_data(job, w, deadline, failed_r, e);

	if (outcome != PARSER_OK) {
		int pid = (int)w->pid, status;

		parser_worker_stop(w, &status);
		metric_add(&parser_replaced, outcome == PARSER_HUNG ? PARSER_TOOK_TOO_LONG : PARSER_ENDED_AT_WORK, 1);
		if (!*failed_r)
			log_loss(job, pid, outcome, status);
	}
	return outcome;
}

int parser_job_finish(struct parser_job *job, struct parser_worker *w, struct err *e)
{
	int failed = 0;

	job->outcome = receive(job, w, &failed, e);
	if (job->outcome == PARSER_OK || failed)
		return failed;
	if (parser_job_start(job, w, e))
		return -1;
	job->outcome = receive(job, w, &failed, e);
	return failed;
}
