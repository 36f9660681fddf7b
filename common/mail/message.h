/* message: the bytes of one message on their way in or out.
 *
 * Filled piece by piece, hashed while it is filled; up to MESSAGE_MEMORY_MAX bytes in memory, then in a file without a
 * name below the spool directory, so that nothing is left of it whatever happens. Not shared between threads while it
 * is filled; read by any after message_finish(). */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "base/err.h"
#include "sys/digest.h"

#include <stdbool.h>

#define MESSAGE_MEMORY_MAX (256u * 1024)

struct message;

/* At most size_max bytes; spool_dir must outlive it. Never fails. */
struct message *message_new(const char *spool_dir, uint64_t size_max);
void message_freep(struct message **m);

/* Before the first byte: so many have been announced, and memory is taken for them at once. More may come, or fewer. */
void message_expect(struct message *m, uint64_t size);

/* 0; -1 temporary (spool full), or permanent when size_max would be passed (nothing was added: message_too_large()). */
int message_append(struct message *m, const void *data, size_t n, struct err *e) MUST_CHECK;
bool message_too_large(const struct message *m);

/* Ends filling. 0, or -1 temporary (the spool can't be mapped). */
int message_finish(struct message *m, struct err *e) MUST_CHECK;

/* After message_finish(): */
uint64_t message_size(const struct message *m);
const uint8_t *message_bytes(const struct message *m); /* valid as long as m; never NULL */
const uint8_t *message_sha256(const struct message *m);

/* Of a message over MESSAGE_MEMORY_MAX: a read-only descriptor of the content for the parser worker; the caller closes it.
 * -1 temporary. */
int message_open_fd(const struct message *m, struct err *e) MUST_CHECK;

#endif
