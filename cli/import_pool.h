/* import_pool: threads that archive what the reader finds, and the account of what became of it. */
#ifndef CLI_IMPORT_POOL_H
#define CLI_IMPORT_POOL_H

#include "archive/archive.h"
#include "cli/progress.h"

struct import_pool;

/* What became of one that was put with a number. */
enum import_outcome {
	IMPORT_ARCHIVED, /* now or earlier */
	IMPORT_REFUSED,	 /* it never will be */
	IMPORT_LEFT,	 /* not now: stopped, or given up */
};

/* Called from any of the pool's threads, one at a time. */
typedef void import_settled(void *ctx, uint64_t number, enum import_outcome outcome);

struct import_account {
	uint64_t offered, archived, known, refused;
	bool gave_up; /* a component failed for longer than the pool is patient; *failure says which */
	struct err failure;
};

/* Starts `threads` threads. No more than bytes_max of messages wait or are being archived at a time, or one message. */
struct import_pool *import_pool_new(struct archive *a, size_t threads, uint64_t bytes_max);

/* Whom to tell of each message that is put from now on (NULL: nobody), and whether to wait for an archive that fails as long
 * as it takes. What is left is then not counted as offered. Waits until all that was handed over before is settled. */
void import_pool_follow(struct import_pool *p, import_settled *settled, void *ctx, bool patient);

/* Hands over a capture with its message (c is empty afterwards); blocks while all threads are busy and as many messages
 * wait, or there are too many bytes under way. c->client says where it comes from; number is for the one who is told. */
void import_pool_put(struct import_pool *p, struct capture *c, uint64_t number);

/* Waits until all that was handed over is settled. */
void import_pool_drain(struct import_pool *p);

/* Counts a message that could not even be read; says so on standard output. Any thread. */
void import_pool_refuse(struct import_pool *p, const char *where, const char *why);

/* The account so far. */
void import_pool_account(struct import_pool *p, struct import_account *account_r);

/* Should the reader stop: by a signal, or because the pool gave up? */
bool import_pool_stopped(struct import_pool *p);

/* Waits until all that was handed over is done, ends the threads, and frees. */
void import_pool_finish(struct import_pool **p, struct import_account *account_r);

#endif
