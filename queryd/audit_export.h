/* audit_export: the audit as one file, newest first: a JSON object a line, or CSV. */
#ifndef QUERYD_AUDIT_EXPORT_H
#define QUERYD_AUDIT_EXPORT_H

#include "meta/audit_read.h"
#include "queryd/call.h"

#define AUDIT_EXPORT_MAX ((uint64_t)1024 * 1024 * 1024) /* bytes of a file */

/* Answers with all that the filter takes, in the form that the parameter `format` names: "jsonl" (which is the standard) or
 * "csv". The file is made before its first byte is given out, in memory as far as it is small; the intent must be written. */
void audit_export(struct call *c, const struct audit_filter *f);

/* -1: `format` is another; the response says so. */
int audit_export_check(struct call *c) MUST_CHECK;

#endif
