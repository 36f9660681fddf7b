/* parser_pool: the sandboxed workers (program strongroom-parser) that alone read hostile bytes.
 *
 * A pool of pre-started workers, each serving one request at a time and many in its life. A worker that dies, hangs
 * past the time limit, answers nonsense or has served its turn is replaced; the request it was at is tried once more by
 * a fresh worker and then fails. Any thread may call; a caller waits for a worker that is not at work. */
#ifndef MAIL_PARSER_POOL_H
#define MAIL_PARSER_POOL_H

#include "conf/conf.h"
#include "mail/message.h"
#include "mail/parsed.h"

struct parser_pool;

/* Starts conf->parser_workers workers. -1 when the program is missing or does not answer. */
int parser_pool_open(struct parser_pool **pool_r, const struct conf *conf, struct err *e) MUST_CHECK;

/* Ends the workers; no call may be under way and every reading finished. */
void parser_pool_closep(struct parser_pool **pool);

/* Reads a message. 0 with *p_r, which the caller frees: when a worker died or hung on this message (twice) *p_r is
 * empty but for PARSE_FAILED, for that is the message's fault and it is archived all the same. -1 temporary when no
 * worker can be had at all (program missing, no memory): that is ours. */
int parser_pool_parse(struct parser_pool *pool, const struct message *m, struct parsed **p_r, struct err *e) MUST_CHECK;

/* The same in two steps, for a caller that has something else to do meanwhile: one hands the message over, the other
 * collects what was read. The message must outlive the reading. Every reading that was started is finished, once, by
 * whichever thread; that frees it. A caller may take its time in between: whoever needs the worker before collects for
 * it. parser_pool_finish() fails as parser_pool_parse() does, when the worker was lost and no other can be had. */
struct parser_reading;
int parser_pool_start(struct parser_pool *pool, const struct message *m, struct parser_reading **r_r,
	struct err *e) MUST_CHECK;
int parser_pool_finish(struct parser_pool *pool, struct parser_reading **r, struct parsed **p_r,
	struct err *e) MUST_CHECK;

/* Gives the decoded bytes of attachment `index` (as numbered in parsed.attachments) to sink, in pieces, from the
 * calling thread. 1; 0 when there is no such attachment; -1 on failure or when sink returned -1. */
int parser_pool_extract(struct parser_pool *pool, const struct message *m, uint32_t index,
	int (*sink)(void *ctx, const void *data, size_t n), void *ctx, struct err *e) MUST_CHECK;

#endif
