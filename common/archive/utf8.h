/* utf8: text from the network made fit for the database, the index and JSON. */
#ifndef ARCHIVE_UTF8_H
#define ARCHIVE_UTF8_H

#include "base/mem.h"

/* A copy of s in which each byte that belongs to no UTF-8 sequence is U+FFFD; NULL gives "". Caller frees. */
char *utf8_clean(const char *s) __attribute__((returns_nonnull));

#endif
