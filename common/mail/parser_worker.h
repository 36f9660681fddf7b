/* parser_worker: one worker process as its pool sees it. For the pool alone. Not shared between threads. */
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
	void *window; /* PARSER_WINDOW bytes; a new one for each process: none sees what others were given */
	bool ready; /* has said PARSER_READY */
	unsigned served;
	struct buf in; /* received, not consumed yet */
};

/* What came of waiting for an answer. */
enum parser_outcome { PARSER_OK, PARSER_DIED, PARSER_HUNG };

/* Starts the process (does not wait until it is ready). -1 temporary. */
int parser_worker_start(struct parser_worker *w, const char *program, uint64_t memory_max,
	struct err *e) MUST_CHECK;

/* Waits for PARSER_READY, unless it has been said. -1 temporary; the worker is stopped then. */
int parser_worker_wait_ready(struct parser_worker *w, struct err *e) MUST_CHECK;

/* Kills and reaps it. Harmless when it was not started. *status_r (may be NULL): as of
 * waitpid(2). */
void parser_worker_stop(struct parser_worker *w, int *status_r);

/* What a worker is asked. */
struct parser_request {
	enum parser_operation op;
	uint32_t index;
	const struct message *message;
	int fd; /* of the message when it is longer than PARSER_WINDOW, else -1 */
};

/* Sends a request. -1: the worker is gone. */
int parser_worker_send(struct parser_worker *w, const struct parser_request *r) MUST_CHECK;

/* Would parser_worker_receive() find something without waiting? */
bool parser_worker_answered(const struct parser_worker *w);

/* The next answer: its kind and a view of its payload, valid until the next call. What has come already is taken even
 * behind the deadline. */
enum parser_outcome parser_worker_receive(struct parser_worker *w, int64_t deadline_us,
	enum parser_answer *kind_r, const uint8_t **payload_r, size_t *n_r);

#endif
