/* audit_export: the audit as one file, newest first: a JSON object a line, or CSV. */
#ifndef QUERYD_AUDIT_EXPORT_H
#define QUERYD_AUDIT_EXPORT_H

#include "meta/audit_read.h"
#include "queryd/call.h"

/* Answers with all that the filter takes, in the form that the parameter `format` names: "jsonl" (which is the standard) or
 * "csv". The file is made while it is given out, a page at a time; the intent must be written. */
void audit_export(struct call *c, const struct audit_filter *f);

/* -1: `format` is another; the response says so. */
int audit_export_check(struct call *c) MUST_CHECK;

#endif
