/* secret_file: secrets that the configuration names a file for: passwords, keys of a store. */
#ifndef SYS_SECRET_FILE_H
#define SYS_SECRET_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* The whole file (of at most b->max bytes) into b, which is emptied first. -1 permanent when accounts that neither own it
 * nor are of its group can read or write it, temporary when it can't be read. */
int secret_file_read(struct buf *b, const char *path, struct err *e) MUST_CHECK;

/* The first line of it, without white space around it: a password. -1 permanent also when there is none. Caller frees. */
int secret_file_line(char **line_r, const char *path, struct err *e) MUST_CHECK;

#endif
