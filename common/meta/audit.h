/* audit: the append-only account of who did what. An intent is durable before the effect, its outcome before the last
 * byte leaves; an intent without outcome is an action that was cut off. Triggers refuse UPDATE and DELETE. */
#ifndef META_AUDIT_H
#define META_AUDIT_H

#include "base/uuid.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stdint.h>

struct audit_intent {
	struct uuid id;		/* uuid_new() */
	int64_t at_us;
	uint64_t account_id;	/* 0: nobody signed in */
	const char *actor;	/* user name, as claimed for a failed sign-in; NULL for none */
	const char *strength;	/* "password+totp", "password", "none", "operator" */
	const char *action;	/* "search", "read.metadata", "read.content", "read.attachment", "sign-in.password" … */
	const char *object;	/* archive id, or NULL */
	const char *detail;	/* JSON: query, filters, attachment index … or NULL */
	const char *client;	/* address and port */
	const char *request_id;
};

struct audit_outcome {
	int64_t at_us;
	const char *result;	/* "allowed", "refused", "not found", "failed" */
	uint32_t status;	/* HTTP status, 0 outside HTTP */
	uint64_t count;		/* hits, or bytes given out */
	const uint8_t *digest;	/* SHA-256 of what was given out, or NULL */
};

/* Durable on 0. Many threads' records share a commit. */
int meta_audit_intent(struct meta *m, const struct audit_intent *i, struct err *e) MUST_CHECK;
int meta_audit_outcome(struct meta *m, const struct uuid *intent_id, const struct audit_outcome *o, struct err *e) MUST_CHECK;

#endif
