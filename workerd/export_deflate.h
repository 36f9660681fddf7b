/* export_deflate: bytes on their way into a container, deflated (RFC 1951) or as they are, handed on in large pieces. One
 * thread. */
#ifndef WORKERD_EXPORT_DEFLATE_H
#define WORKERD_EXPORT_DEFLATE_H

#include "base/err.h"

#include <stdint.h>

struct export_deflate;

/* Takes what comes out, piece by piece. */
typedef int export_take(void *ctx, const void *data, size_t n, struct err *e);

/* at: how many bytes came out before. ctx must outlive it. */
struct export_deflate *export_deflate_new(uint64_t at, export_take *take, void *ctx) __attribute__((returns_nonnull));
void export_deflate_freep(struct export_deflate **d);

/* How many bytes have come out, those among them that are yet to be handed on. */
uint64_t export_deflate_at(const struct export_deflate *d);

/* Bytes as they are. Not within a stream. */
int export_deflate_put(struct export_deflate *d, const void *data, size_t n, struct err *e) MUST_CHECK;

/* A stream: begin, then bytes, then end. A part may end in between: all that was added comes out, and what follows is
 * deflated as if nothing had been before. */
void export_deflate_begin(struct export_deflate *d);
int export_deflate_add(struct export_deflate *d, const void *data, size_t n, struct err *e) MUST_CHECK;
int export_deflate_end_part(struct export_deflate *d, struct err *e) MUST_CHECK;
int export_deflate_end(struct export_deflate *d, struct err *e) MUST_CHECK;

/* Hands on what has come out. */
int export_deflate_flush(struct export_deflate *d, struct err *e) MUST_CHECK;

#endif
