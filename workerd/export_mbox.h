/* export_mbox: messages in the mbox format, in its variant "mboxrd": before each a line "From <address> <time in UTC>", each line
 * of it that begins with any number of '>' and "From " gets one '>' more, and behind it an empty line. The bytes are otherwise
 * as they were archived, line ends included: taking one '>' off again gives the message, but for a line end that is added
 * where its last line has none. */
#ifndef WORKERD_EXPORT_MBOX_H
#define WORKERD_EXPORT_MBOX_H

#include "workerd/export_spool.h"

/* sender: "" for the null reverse-path. */
int export_mbox_add(struct export_spool *to, const char *sender, int64_t received_us, const void *data, size_t n, struct err *e)
	MUST_CHECK;

#endif
