/* audit_line: a record of the audit as those get it that it is sent on to. */
#ifndef WORKERD_AUDIT_LINE_H
#define WORKERD_AUDIT_LINE_H

#include "meta/audit_forward.h"

#define AUDIT_SYSLOG_MAX 8000 /* bytes of a syslog message; receivers cut or drop what is longer than 8 KiB */

/* A JSON object in one line, without its end. Caller frees. -1 permanent when the record can't be read. */
int audit_line_json(const struct audit_sealed *s, char **text_r, struct err *e) MUST_CHECK;

/* The same as a message of RFC 5424 from this node. What makes it longer than AUDIT_SYSLOG_MAX is left out, and its length
 * and SHA-256 told instead. Caller frees. */
int audit_line_syslog(const struct audit_sealed *s, const char *node, char **text_r, struct err *e) MUST_CHECK;

#endif
