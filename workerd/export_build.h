/* export_build: one export from its request to an object in the store: the messages are read by several threads at once, each
 * held against its SHA-256, and written one behind the other. Memory does not grow with the export. */
#ifndef WORKERD_EXPORT_BUILD_H
#define WORKERD_EXPORT_BUILD_H

#include "mail/scope.h"
#include "meta/account.h"
#include "meta/export.h"
#include "workerd/worker.h"

#define EXPORT_LEASE_US (120 * INT64_C(1000000)) /* kept alive every second */

struct export_build {
	struct worker *worker;
	const struct export_job *job;
	const struct account *who;  /* has asked for it */
	const struct scope *scope;  /* what is exported at most */
	struct export_progress progress; /* as far as it came */
};

enum export_built {
	EXPORT_BUILT,	/* *result_r (caller deinits its locator): nobody knows of it yet */
	EXPORT_STOPPED, /* this program ends */
	EXPORT_LOST,	/* it was cancelled, or somebody else has taken it up */
};

/* -1 permanent: it can't be built, and never will be; temporary: something does not answer. Whatever comes of it but
 * EXPORT_BUILT, nothing stays in the store. */
int export_build(struct export_build *b, enum export_built *built_r, struct export_result *result_r, struct err *e) MUST_CHECK;

/* The key of what an epoch of a job builds. Caller frees. */
char *export_key(const struct export_job *j, uint64_t epoch) __attribute__((returns_nonnull));

#endif
