/* parser_worker: one worker process as its pool sees it. For parser_pool.c only. Not shared between
 * threads. */
#ifndef MAIL_PARSER_WORKER_H
#define MAIL_PARSER_WORKER_H

#include "base/buf.h"
#include "base/err.h"
#include "mail/parser_protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct parser_worker {
	pid_t pid;  /* 0: not started */
	int socket; /* -1: not started */
	bool ready; /* has said PARSER_READY */
	unsigned served;
	struct buf in; /* received, not consumed yet */
};

/* What came of waiting for an answer. */
enum parser_outcome { PARSER_OK, PARSER_DIED, PARSER_HUNG };

/* Starts the process (does not wait until it is ready). -1 temporary. */
int parser_worker_start(struct parser_worker *w, const char *program, uint64_t memory_max,
	struct err *e) MUST_CHECK;

/* Waits for PARSER_READY until deadline_us (monotonic). -1 temporary; the worker is stopped
 * then. */
int parser_worker_wait_ready(
	struct parser_worker *w, int64_t deadline_us, struct err *e) MUST_CHECK;

/* Kills and reaps it. Harmless when it was not started. *status_r (may be NULL): as of
 * waitpid(2). */
void parser_worker_stop(struct parser_worker *w, int *status_r);

/* What a worker is asked. */
struct parser_request {
	enum parser_operation op;
	uint32_t index, cpu_ms;
	const void *bytes; /* the message when it is at most PARSER_INLINE_MAX long, */
	size_t length;
	int fd; /* else -1 */
};

/* Sends a request. -1: the worker is gone. */
int parser_worker_send(struct parser_worker *w, const struct parser_request *r) MUST_CHECK;

/* The next answer: its kind and a view of its payload, valid until the next call. */
enum parser_outcome parser_worker_receive(struct parser_worker *w, int64_t deadline_us,
	enum parser_answer *kind_r, const uint8_t **payload_r, size_t *n_r);

#endif
