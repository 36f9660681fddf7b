/* audit_forward: how far the audit's records have been sent on, each daemon's in the order of its sequence, so that none is
 * skipped; a record may be sent twice. For workerd and cli. */
#ifndef META_AUDIT_FORWARD_H
#define META_AUDIT_FORWARD_H

#include "base/strv.h"
#include "meta/meta.h"
#include "sys/digest.h"

/* The names of all sequences, sorted. */
int meta_audit_daemons(struct meta *m, struct strv *names, struct err *e) MUST_CHECK;

/* The last of the daemon's records that was sent to the target ("file", "syslog"); 0 before the first. */
int meta_audit_forwarded(struct meta *m, const char *target, const char *daemon, uint64_t *seq_r, struct err *e) MUST_CHECK;

/* A record, verbatim (ledger/audit_record.h), and its leaf. */
struct audit_sealed {
	uint64_t seq;
	uint8_t leaf[SHA256_SIZE];
	void *record;
	size_t length;
};

void audit_sealed_free(struct audit_sealed *list, size_t n);

/* Up to `max` records of the daemon that come behind `after`, in order: *n_r in *list_r, which audit_sealed_free() frees. */
int meta_audit_sealed(struct meta *m, const char *daemon, uint64_t after, size_t max, struct audit_sealed **list_r, size_t *n_r,
	struct err *e) MUST_CHECK;

/* All up to `seq` are sent, durable on 0. -1 temporary when `was` is not what was noted last: another process sends, too. */
int meta_audit_forward(struct meta *m, const char *target, const char *daemon, uint64_t was, uint64_t seq, struct err *e) MUST_CHECK;

/* How many records wait to be sent to the target, and since when the oldest of them (0 when there is none). */
int meta_audit_waiting(struct meta *m, const char *target, uint64_t *n_r, int64_t *oldest_us_r, struct err *e) MUST_CHECK;

#endif
