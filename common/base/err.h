/* err: how a function tells its caller what went wrong.
 *
 * A fallible function returns 0 or -1 (a look-up 1, 0 or -1) and takes `struct err *e` as its last parameter. On -1, *e
 * says which class of failure it was and, in the form `operation(object) failed: reason`, what. The text is internal:
 * it goes to logs, never to a client. The setters return -1, so that failing is one line:
 *
 *	return err_errno(e, "open", path);
 *
 * e is never NULL. Not shared between threads. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/mem.h"

enum err_class {
	ERR_NONE = 0,
	ERR_TEMPORARY, /* may work later with no one's help or the operator's: full, down, locked, timed out */
	ERR_CONFLICT,  /* temporary, nothing was done, and the same again may work at once: a deadlock, a connection lost */
	ERR_PERMANENT, /* will not work for this input: malformed, too large, refused */
	ERR_UNKNOWN,   /* the effect may or may not have happened (an answer was lost): look it up, never assume */
};

struct err {
	enum err_class class;
	char text[480];
};

int err_temporary(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_conflict(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_permanent(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_unknown(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "op(object) failed: <strerror(errno)>", temporary. Keeps errno. */
int err_errno(struct err *e, const char *op, const char *object);

/* Puts "<text>: " before what is there already; the class stays. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
