/* mem: allocation that never fails, and scope-bound ownership.
 *
 * Out of memory ends the process: nothing was acknowledged, the MTA tries again. All memory comes zeroed.
 * Every function is safe in any thread.
 *
 * None has the attribute `malloc`: with it gcc 14.2 drops writes to such memory that is read later (at -O1 and -O2 those
 * to r.attachments in make_row() of tests/unit/meta/fixture.h). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_at, first) __attribute__((format(printf, fmt_at, first)))

/* n * size zeroed bytes; dies on overflow or when there are none. n or size 0 gives one byte. Caller frees. */
void *mem_alloc(size_t n, size_t size) __attribute__((returns_nonnull));

/* p grown or shrunk to n * size bytes (new bytes are not zeroed); p may be NULL. */
void *mem_realloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));

/* A copy of n bytes with a NUL behind it. Caller frees. */
void *mem_dup(const void *p, size_t n) __attribute__((returns_nonnull));

/* A copy of s; NULL stays NULL. Caller frees. */
char *mem_strdup(const char *s);

/* Formatted string. Caller frees. */
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));

#define MEM_NEW(type) ((type *)mem_alloc(1, sizeof(type)))
#define MEM_ARRAY(type, n) ((type *)mem_alloc((n), sizeof(type)))

/* CLEANUP(f): f(&variable) runs when the variable goes out of scope. Hand over by setting the variable to NULL. */
#define CLEANUP(f) __attribute__((cleanup(f)))

/* For plain heap memory: `_free_ char *s = mem_strdup(t);` */
static inline void mem_freep(void *p)
{
	free(*(void **)p);
}
#define _free_ CLEANUP(mem_freep)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that holds `member`, from a pointer to that member: how a driver finds itself from its parent. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
