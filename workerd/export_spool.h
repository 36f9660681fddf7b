/* export_spool: text or mail that grows before its length is known: in memory up to a little, then in a file without a name
 * below the spool directory. Hashed while it is filled. One thread. */
#ifndef WORKERD_EXPORT_SPOOL_H
#define WORKERD_EXPORT_SPOOL_H

#include "base/err.h"
#include "sys/digest.h"

struct export_spool;

/* spool_dir must outlive it. */
struct export_spool *export_spool_new(const char *spool_dir) __attribute__((returns_nonnull));
void export_spool_freep(struct export_spool **s);

int export_spool_add(struct export_spool *s, const void *data, size_t n, struct err *e) MUST_CHECK;
int export_spool_print(struct export_spool *s, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

uint64_t export_spool_size(const struct export_spool *s);

/* Ends filling. */
void export_spool_finish(struct export_spool *s, uint8_t sha256_r[SHA256_SIZE]);

/* Gives all of it to take() in pieces. -1 when it can't be read back, or take() returned -1. */
int export_spool_read(struct export_spool *s, int (*take)(void *ctx, const void *data, size_t n, struct err *e), void *ctx,
	struct err *e) MUST_CHECK;

/* Empties it, to be filled anew. */
void export_spool_reset(struct export_spool *s);

#endif
