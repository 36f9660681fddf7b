/* parser_job: one request to a worker, from its hand-over to the answer; a worker that is lost over it is replaced, and
 * the request tried once more. For the pool alone. Not shared between threads. */
#ifndef MAIL_PARSER_JOB_H
#define MAIL_PARSER_JOB_H

#include "conf/conf.h"
#include "mail/parsed.h"
#include "mail/parser_worker.h"

struct parser_job {
	const struct conf *conf;
	struct parser_request request;
	/* what parser_job_finish() found: */
	enum parser_outcome outcome; /* other than PARSER_OK: two workers were lost over the message */
	struct parsed *parsed;
	struct message *data; /* what was extracted; NULL: there is no such attachment */
};

/* -1 temporary: the message can't be handed over. parser_job_deinit() in any case. */
int parser_job_init(struct parser_job *job, const struct conf *conf, enum parser_operation op, uint32_t index,
	const struct message *m, struct err *e) MUST_CHECK;
void parser_job_deinit(struct parser_job *job);

/* Starts the worker if need be and hands the request over. -1 temporary: no worker can be had. */
int parser_job_start(struct parser_job *job, struct parser_worker *w, struct err *e) MUST_CHECK;

/* Waits for the answer, conf->parser_timeout_us from now at most, and once more after a loss. -1 temporary: our own
 * failure, not the message's. The worker is stopped unless it can take the next request. */
int parser_job_finish(struct parser_job *job, struct parser_worker *w, struct err *e) MUST_CHECK;

#endif
