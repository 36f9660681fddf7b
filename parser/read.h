/* read: a whole message to what the archive wants to know of it. */
#ifndef PARSER_READ_H
#define PARSER_READ_H

#include "mail/parsed.h"
#include "parser/span.h"

/* Makes ready everything that would open files later. Call once, before the sandbox. */
void read_init(void);

/* Never fails: what can't be read is flagged. Caller frees. */
struct parsed *read_message(struct span bytes);

/* Gives the decoded bytes of attachment `index` to sink, once. 1; 0 when there is none; -1 when
 * sink said so. */
int read_attachment(
	struct span bytes, uint32_t index, int (*sink)(void *ctx, struct span data), void *ctx);

#endif
