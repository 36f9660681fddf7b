/* import_message: one stored message on its way from wherever it is kept to the pool. */
#ifndef CLI_IMPORT_MESSAGE_H
#define CLI_IMPORT_MESSAGE_H

#include "cli/import_pool.h"

/* A capture without bytes yet. where: what it is called in the account, "box.mbox:120". */
struct capture import_message_begin(const struct conf *conf, const struct strv *recipients, const char *where);

/* 0 also when it is too large: import_message_complete() sees that. -1: it can't be spooled. */
int import_message_append(struct capture *c, const void *data, size_t n, struct err *e) MUST_CHECK;

/* The message is all there. 1: off it went; 0: it was refused, and said so; -1: it can't be spooled. sender: from a From_
 * line, or "". number: for import_pool_put(). */
int import_message_complete(struct import_pool *p, const struct conf *conf, struct capture *c, const char *sender,
	uint64_t number, struct err *e) MUST_CHECK;

#endif
