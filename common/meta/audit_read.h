/* audit_read: what the audit says, for those who review it. Newest first; nothing that is in a page moves or vanishes while
 * records come in, as they come in front of it. */
#ifndef META_AUDIT_READ_H
#define META_AUDIT_READ_H

#include "base/uuid.h"
#include "meta/meta.h"
#include "sys/digest.h"
#include "sys/json.h"

#include <stdbool.h>

#define AUDIT_SCAN_MAX 20000 /* entries that one call looks at */

/* An intent with its outcome. */
struct audit_event {
	struct uuid id;
	int64_t at_us;
	uint64_t account_id;
	char *actor, *strength, *action, *object, *detail, *client, *request_id, *reason, *case_ref; /* "" for none */
	bool finished; /* there is an outcome: */
	int64_t finished_us;
	char *result;
	uint64_t status, count;
	bool has_digest;
	uint8_t digest[SHA256_SIZE];
	bool before;   /* it is from before the audit had a ledger */
	bool all_mailboxes; /* in the list of a mailbox: it concerned all mailboxes, and did not name this one */
};

void audit_event_deinit(struct audit_event *event);

/* Which are wanted; what is NULL or 0 does not matter. */
struct audit_filter {
	const char *actor, *object, *case_ref, *client, *request_id;
	const char *action;  /* "read" takes "read.content" as well */
	const char *result;  /* "none": there is no outcome */
	const char *mailbox; /* those that concerned it, in its normal form, and those that concerned all */
	int64_t from_us, until_us; /* from this moment on, before this moment */
};

struct audit_page {
	struct audit_event *events;
	size_t n;
	bool more;	  /* go on behind `last`: there may be others, also when the page is not full */
	struct uuid last; /* the last that was looked at */
};

void audit_page_deinit(struct audit_page *p);

/* Up to `limit` that come behind *behind (all zero: from the newest). Looks at AUDIT_SCAN_MAX at most, so that a page may be
 * short, even empty, with `more` after it. */
int meta_audit_list(struct meta *m, const struct audit_filter *f, const struct uuid *behind, size_t limit,
	struct audit_page *page_r, struct err *e) MUST_CHECK;

/* 1 with *event_r (caller deinits), 0, -1. */
int meta_audit_get(struct meta *m, const struct uuid *id, struct audit_event *event_r, struct err *e) MUST_CHECK;

/* As JSON, the same wherever it is shown. Caller frees. */
cJSON *audit_event_json(const struct audit_event *event) __attribute__((returns_nonnull));

#endif
