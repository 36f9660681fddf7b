/* export_gzip: one gzip file (RFC 1952) of one member, which another process can go on with. One thread. */
#ifndef WORKERD_EXPORT_GZIP_H
#define WORKERD_EXPORT_GZIP_H

#include "base/pack.h"
#include "workerd/export_deflate.h"

struct export_gzip;

/* ctx must outlive it. */
struct export_gzip *export_gzip_new(export_take *take, void *ctx) __attribute__((returns_nonnull));
void export_gzip_freep(struct export_gzip **g);

/* How many bytes have come out. */
uint64_t export_gzip_size(const struct export_gzip *g);

int export_gzip_add(struct export_gzip *g, const void *data, size_t n, struct err *e) MUST_CHECK;
int export_gzip_finish(struct export_gzip *g, struct err *e) MUST_CHECK;

/* Hands on all of what was added, and appends to *state what export_gzip_resume() needs to go on behind it: the bytes that come
 * then are those that would have come here. */
int export_gzip_save(struct export_gzip *g, struct buf *state, struct err *e) MUST_CHECK;

/* Whether it can be read, *saved tells in the end. */
struct export_gzip *export_gzip_resume(struct unpack *saved, export_take *take, void *ctx) __attribute__((returns_nonnull));

#endif
