/* imap_secret: a password or token in a file, read anew each time: tokens are renewed by others. */
#ifndef CLI_IMAP_SECRET_H
#define CLI_IMAP_SECRET_H

#include "base/err.h"

/* The first line. NULL: temporary when the file can't be read or is empty (it is being renewed), permanent when others may
 * read it. Caller frees with password_freep(). */
char *imap_secret_read(const char *path, struct err *e) MUST_CHECK;

#endif
