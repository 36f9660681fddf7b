/* strv: a growable list of owned strings. Not shared between threads. */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include "base/mem.h"

#include <stdbool.h>

struct strv {
	char **items;
	size_t n;
};

/* Adds a copy of s. */
void strv_add(struct strv *v, const char *s);

/* Adds a copy of s unless it is there already; says whether it was added. Linear. */
bool strv_add_unique(struct strv *v, const char *s);

bool strv_has(const struct strv *v, const char *s);

/* Splits text at any of the characters in `separators`; empty pieces are dropped. */
void strv_split(struct strv *v, const char *text, const char *separators);

/* Drops what is there before: of equal ones the first stays, all in their order. For many; strv_add_unique() for a few. */
void strv_dedup(struct strv *v);

/* Bytewise ascending. */
void strv_sort(struct strv *v);

/* The items with `separator` between them. Caller frees. */
char *strv_join(const struct strv *v, const char *separator);

/* Frees everything; the list is empty and usable. Fit for CLEANUP(). */
void strv_deinit(struct strv *v);

#endif
