/* trace: the line that an MTA would put on top of the message (RFC 5321, 4.4). Kept beside the
 * bytes, never in them. */
#ifndef LMTPD_TRACE_H
#define LMTPD_TRACE_H

#include "mail/capture.h"

#include <stdbool.h>

/* "Received: from … by … with LMTP id …; date", one line without line end. c is complete but for
 * its trace. Caller frees. */
char *trace_line(const struct capture *c, const char *node, bool utf8)
	__attribute__((returns_nonnull));

#endif
