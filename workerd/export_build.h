/* export_build: one export from its request to an object in the store: the messages are read by several threads at once, each
 * held against its SHA-256, and written one behind the other. Memory does not grow with the export. Every so often all is saved
 * (export_checkpoint), and who builds it next on this machine goes on from there. */
#ifndef WORKERD_EXPORT_BUILD_H
#define WORKERD_EXPORT_BUILD_H

#include "base/log.h"
#include "mail/scope.h"
#include "meta/account.h"
#include "meta/export.h"
#include "workerd/export_place.h"
#include "workerd/worker.h"

#define EXPORT_LEASE_US (120 * INT64_C(1000000)) /* kept alive every second */

struct export_build {
	struct worker *worker;
	const struct export_job *job;
	const struct account *who;  /* has asked for it */
	const struct scope *scope;  /* what is exported at most */
	const struct log_context *log;
	struct export_progress progress; /* as far as it came */
	uint64_t read;	   /* messages that this attempt has read */
	bool may_go_again; /* a failure that is permanent is so for what was gone on with, not for the export */
	struct export_place *place; /* behind EXPORT_BUILT: to be removed by the caller when somebody knows of it, else left */
};

enum export_built {
	EXPORT_BUILT,	/* *result_r (caller deinits its locator): nobody knows of it yet */
	EXPORT_STOPPED, /* this program ends */
	EXPORT_LOST,	/* it was cancelled, or somebody else has taken it up */
};

/* Goes on where an earlier attempt was saved, where that can be. -1 permanent: it can't be built, and never will be; temporary:
 * something does not answer. What stays after a failure, or EXPORT_STOPPED, is for the next attempt. */
int export_build(struct export_build *b, enum export_built *built_r, struct export_result *result_r, struct err *e) MUST_CHECK;

/* The key of what an epoch of a job builds. Caller frees. */
char *export_key(const struct export_job *j, uint64_t epoch) __attribute__((returns_nonnull));

#endif
