/* postfix_log: Postfix's log as files: read once, or followed over its rotations. */
#ifndef ARCHIVE_POSTFIX_LOG_H
#define ARCHIVE_POSTFIX_LOG_H

#include "archive/archive.h"
#include "archive/postfix_account.h"

#include <stdatomic.h>

/* Reads on in conf->workerd_postfix_log, from where it was left, in the file that it was left in if that was renamed
 * meanwhile; the first time it begins at its end. Nothing when there is no such setting. Returns early, with 0, when *stop is
 * set. -1 temporary: nothing of this turn is lost. */
int archive_postfix_log(struct archive *a, const atomic_bool *stop, struct err *e) MUST_CHECK;

/* Hands the complete lines of fd from *position on to the account, up to about 16 MiB of them; *position moves behind the
 * last one. 1 when there may be more, 0 at the end, -1. */
int postfix_log_read(int fd, const char *path, uint64_t *position, int64_t reference_us, struct postfix_account *account,
	struct err *e) MUST_CHECK;

#endif
