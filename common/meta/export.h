/* export: what somebody has asked to have taken out of the archive, and how far that is (schema/, control_export).
 *
 * A request is written once. Its job goes from queued over building to ready, failed or cancelled, and from ready to
 * expired. Of several workers one at a time builds a job: it holds a lease with an epoch of its own, and what comes from an
 * earlier epoch changes nothing. */
#ifndef META_EXPORT_H
#define META_EXPORT_H

#include "base/uuid.h"
#include "mail/locator.h"
#include "meta/meta.h"
#include "sys/digest.h"

#include <stdbool.h>

enum export_state { EXPORT_QUEUED, EXPORT_BUILDING, EXPORT_READY, EXPORT_FAILED, EXPORT_CANCELLED, EXPORT_EXPIRED, EXPORT_STATES };

const char *export_state_name(enum export_state s); /* "queued" */

struct export_request {
	struct uuid id; /* uuid_new() */
	uint64_t account_id;
	int64_t requested_us;
	char *format;	 /* "eml", "mbox", "loadfile" */
	char *container; /* "tar.gz", "zip" */
	char *reason;
	char *matter;  /* the case that it is for; NULL: none */
	char *request; /* JSON: the query with its filters, or the ids */
	char *scope;   /* mail/scope.h: what the account might see then, narrowed by the filters */
	char *client, *request_id;
};

struct export_progress {
	uint64_t total;	  /* of messages; meaningless without total_known */
	bool total_known;
	uint64_t done;	  /* messages that are in it, or will be missing */
	uint64_t missing; /* of these: could not be exported */
	uint64_t size;	  /* bytes of messages */
};

/* What a build came to. */
struct export_result {
	struct locator where;
	uint8_t sha256[SHA256_SIZE]; /* of the whole container */
	int64_t finished_us, expires_us;
};

struct export_job {
	struct export_request request;
	enum export_state state;
	uint64_t epoch;	    /* how often it was taken up */
	struct export_progress progress;
	char *detail;	    /* why it failed or is put off; "" */
	char *built_scope;  /* what the account might see when it was built, narrowed as before; "" before that */
	struct export_result result; /* of one that is ready; its times 0 before that */
};

void export_job_deinit(struct export_job *j);

/* ---- for who asks ---- */

/* Writes the request and its job, queued, in one commit: 1; 0 when open_max of the account's are queued or being built already,
 * however many ask at once; -1. */
int meta_export_add(struct meta *m, const struct export_request *r, uint64_t open_max, struct err *e) MUST_CHECK;

/* An account's own: 1 with *j_r (caller deinits), 0 when it has none of that id, -1. */
int meta_export_get(struct meta *m, uint64_t account_id, const struct uuid *id, struct export_job *j_r, struct err *e) MUST_CHECK;

/* An account's jobs that were asked for before *before (all ones: from the end), the newest first: up to max of them in jobs_r
 * (caller deinits each), *n_r. */
int meta_export_list(struct meta *m, uint64_t account_id, const struct uuid *before, struct export_job *jobs_r, size_t max,
	size_t *n_r, struct err *e) MUST_CHECK;

/* Anybody's jobs that were asked for for this matter behind *after (all zero: from the first), the oldest first; else the same. */
int meta_export_list_of_case(struct meta *m, const char *matter, const struct uuid *after, struct export_job *jobs_r, size_t max,
	size_t *n_r, struct err *e) MUST_CHECK;

/* 1: one that was queued or being built is cancelled now, and whoever builds it stops; 0: it is over already; -1. */
int meta_export_cancel(struct meta *m, uint64_t account_id, const struct uuid *id, int64_t now_us, struct err *e) MUST_CHECK;

/* ---- for who builds ---- */

/* Takes up the job that has waited longest, or whose builder let its lease run out: 1 with *j_r (caller deinits) in its new
 * epoch, with the progress that it had in the one before; 0 when there is none, -1. */
int meta_export_take(struct meta *m, const char *owner, int64_t now_us, int64_t lease_until_us, struct export_job *j_r,
	struct err *e) MUST_CHECK;

/* A builder of this name has begun anew: what it built before can be taken up at once. */
int meta_export_release(struct meta *m, const char *owner, struct err *e) MUST_CHECK;

/* Keeps the lease and tells how far it is: 1; 0 when the job is no longer ours, because it was cancelled or somebody else took
 * it up; -1. */
int meta_export_progress(struct meta *m, const struct export_job *j, const struct export_progress *p, int64_t lease_until_us,
	struct err *e) MUST_CHECK;

/* What the account may see now, once it is known, before the first byte is written: as meta_export_progress(). */
int meta_export_scope(struct meta *m, const struct export_job *j, const char *built_scope, struct err *e) MUST_CHECK;

/* Puts it off until then: as meta_export_progress(). */
int meta_export_put_off(struct meta *m, const struct export_job *j, const char *why, int64_t until_us, struct err *e) MUST_CHECK;

/* It is ready, or (result NULL) has failed for good: as meta_export_progress(). */
int meta_export_finish(struct meta *m, const struct export_job *j, const struct export_progress *p,
	const struct export_result *result, const char *why, int64_t now_us, struct err *e) MUST_CHECK;

/* One that is to be cleared away, 1 with *j_r (caller deinits): ready and expired, or cancelled or failed after it had been
 * taken up, which may have left something in the store; not before its lease is over. 0, -1. */
int meta_export_stale(struct meta *m, int64_t now_us, struct export_job *j_r, struct err *e) MUST_CHECK;

/* Is it queued, or being built? 1; 0 when it is over, or there is none; -1. */
int meta_export_is_open(struct meta *m, const struct uuid *id, struct err *e) MUST_CHECK;

/* It is cleared away: as meta_export_progress(). A ready one is expired now. */
int meta_export_cleared(struct meta *m, const struct export_job *j, struct err *e) MUST_CHECK;

/* That can't be done yet: it is looked at again then. As meta_export_progress(). */
int meta_export_clear_later(struct meta *m, const struct export_job *j, int64_t until_us, struct err *e) MUST_CHECK;

#endif
