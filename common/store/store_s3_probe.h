/* store_s3_probe: tries to break a bucket's lock, on objects of its own that are locked for some seconds. What a store
 * answers to an attempt proves nothing: after each, the version itself is looked at. */
#ifndef STORE_STORE_S3_PROBE_H
#define STORE_STORE_S3_PROBE_H

#include "store/store_s3.h"

struct s3_probing {
	store_report *report;
	void *ctx;
	char *broken;	   /* the first promise that was seen broken; NULL: none. The caller frees it */
	bool inconclusive; /* this account may not do what was tried, so that the store's refusals prove nothing */
	bool hold_tried;   /* and it kept an object whose lock was over */
	bool conditional;  /* it refuses to write over a key on If-None-Match */
	bool checks_sums;  /* it refuses bytes that x-amz-checksum-sha256 is not the sum of */
	char *encryption;  /* what it says of encryption at rest, NULL for nothing. The caller frees it */
	int64_t server_us; /* the store's clock when it was asked first */
	int64_t here_us;   /* this machine's at that moment */
};

void s3_probing_deinit(struct s3_probing *p);

/* Reports a finding, and (or NULL) what to do about it. */
void probe_tell(const struct s3_probing *p, enum store_finding kind, const char *remedy, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Looks at the clocks, and whether this account may delete anything: when not, p is inconclusive, and trying would only
 * leave objects behind. */
int store_s3_probe_account(struct store_s3 *s, struct s3_probing *p, struct err *e) MUST_CHECK;

/* 0 when all attempts were made, -1 when they could not be. */
int store_s3_probe(struct store_s3 *s, struct s3_probing *p, struct err *e) MUST_CHECK;

#endif
