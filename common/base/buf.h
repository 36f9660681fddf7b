/* buf: a growable byte buffer with a hard maximum.
 *
 * Appending past the maximum changes nothing and returns -1: the caller decides what an over-long input means.
 * data is always NUL-terminated behind len, so text can be read as a C string. Not shared between threads. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/mem.h"

#include <stdint.h>

struct buf {
	char *data; /* NULL until the first byte */
	size_t len;
	size_t cap;
	size_t max; /* most bytes it will ever hold, the NUL not counted */
};

#define BUF_INIT(maximum) ((struct buf){ .max = (maximum) })

/* 0, or -1 when the maximum would be passed (nothing was added). */
int buf_add(struct buf *b, const void *data, size_t n) MUST_CHECK;
int buf_add_str(struct buf *b, const char *s) MUST_CHECK;
int buf_add_char(struct buf *b, char c) MUST_CHECK;
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* Room for n more bytes at data + len (the caller then adds to len), or NULL past the maximum. */
char *buf_reserve(struct buf *b, size_t n) MUST_CHECK;

/* Drops the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

/* Empties it, keeps the memory. */
void buf_reset(struct buf *b);

/* The content as heap memory that the caller frees (never NULL); the buffer is empty afterwards. */
char *buf_take(struct buf *b);

/* Frees the memory; the buffer can be used again. Fit for CLEANUP(). */
void buf_deinit(struct buf *b);

#endif
