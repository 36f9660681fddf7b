/* export_spool: text or mail that grows before its length is known: in memory up to a little, then in a file. Hashed while it is
 * filled. One thread. */
#ifndef WORKERD_EXPORT_SPOOL_H
#define WORKERD_EXPORT_SPOOL_H

#include "base/err.h"
#include "base/pack.h"
#include "sys/digest.h"

struct export_spool;

/* In a file without a name below the directory, which must outlive it. */
struct export_spool *export_spool_new(const char *dir) __attribute__((returns_nonnull));

/* In a file of this name (a literal), which stays: one that can be gone on with. */
struct export_spool *export_spool_new_named(const char *dir, const char *name) __attribute__((returns_nonnull));

void export_spool_freep(struct export_spool **s);

int export_spool_add(struct export_spool *s, const void *data, size_t n, struct err *e) MUST_CHECK;
int export_spool_print(struct export_spool *s, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

uint64_t export_spool_size(const struct export_spool *s);

/* Ends filling. */
void export_spool_finish(struct export_spool *s, uint8_t sha256_r[SHA256_SIZE]);

/* Gives all of it to take() in pieces. -1 when it can't be read back, or take() returned -1. */
int export_spool_read(struct export_spool *s, int (*take)(void *ctx, const void *data, size_t n, struct err *e), void *ctx,
	struct err *e) MUST_CHECK;

/* Makes what is in a named one durable, and appends to *state what export_spool_resume() needs. */
int export_spool_save(struct export_spool *s, struct buf *state, struct err *e) MUST_CHECK;

/* The same as it was when it was saved: what was added later is cut off. -1 permanent: its file does not begin with what was
 * saved, or that can't be read. */
int export_spool_resume(struct export_spool **s_r, const char *dir, const char *name, struct unpack *saved, struct err *e) MUST_CHECK;

#endif
