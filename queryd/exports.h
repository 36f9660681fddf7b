/* exports: /api/v1/archive/exports/: messages within the account's scope, to be put into one file by strongroom-workerd and
 * downloaded from here. Each account has its own; another's does not exist for it, but that the members of its case see how far
 * it is (queryd/case_parts.h). */
#ifndef QUERYD_EXPORTS_H
#define QUERYD_EXPORTS_H

#include "meta/audit.h"
#include "meta/export.h"
#include "queryd/route.h"

#define EXPORTS_IDS_MAX 10000
#define EXPORTS_REASON_MAX AUDIT_REASON_MAX /* bytes */
#define EXPORTS_CASE_MAX AUDIT_CASE_MAX
#define EXPORTS_OPEN_MAX 20 /* of an account, queued or being built */

extern const struct route export_routes[];

/* The account's export that the path names, behind the audit's intent: 0 with *j_r (caller deinits), -1 with the response
 * set. */
int exports_find(struct call *c, struct export_job *j_r) MUST_CHECK;

/* The same where its mail may be shown: the intent names the mailboxes that it was built of. */
int exports_find_to_show(struct call *c, struct export_job *j_r) MUST_CHECK;

/* The response: the database did not answer. Returns -1. */
int exports_failed(struct call *c, const struct err *e);

/* queryd/export_download.c */
void export_download(struct call *c);
void export_download_url(struct call *c);
void export_download_by_url(struct call *c);

#endif
