/* audit: the append-only account of who did what. An intent is durable before the effect, its outcome before the last
 * byte leaves; an intent without outcome is an action that was cut off. Triggers refuse UPDATE and DELETE.
 *
 * With each row goes its canonical record (ledger/audit_record.h), its nonce and its leaf, and with each commit a batch of
 * the leaves, in a gapless sequence of the daemon: what is sealed later is what was written then. */
#ifndef META_AUDIT_H
#define META_AUDIT_H

#include "base/strv.h"
#include "base/uuid.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_REASON_MAX 500
#define AUDIT_CASE_MAX 255
#define AUDIT_ALL_MAILBOXES "*"

struct audit_intent {
	struct uuid id;		/* uuid_new() */
	int64_t at_us;
	uint64_t account_id;	/* 0: nobody signed in */
	const char *actor;	/* user name, as claimed for a failed sign-in; NULL for none */
	const char *strength;	/* "password+totp", "password", "link", "none", "operator" */
	const char *action;	/* "search", "read.metadata", "read.content", "read.attachment", "sign-in.password" … */
	const char *object;	/* archive id, or NULL */
	const char *detail;	/* JSON: query, filters, attachment index … or NULL */
	const char *client;	/* address and port */
	const char *request_id;
	const char *reason;	/* why, in the words of who acts: up to AUDIT_REASON_MAX bytes; NULL for none */
	const char *case_ref;	/* the case it is for: up to AUDIT_CASE_MAX bytes; NULL for none */
	/* The mailboxes (normal form, any order) whose mail the action may show: those of a message that is read, those that a
	 * search can reach; AUDIT_ALL_MAILBOXES alone for all. NULL: it shows no mail. */
	const struct strv *mailboxes;
};

struct audit_outcome {
	int64_t at_us;
	const char *result;	/* "allowed", "refused", "not found", "failed" */
	uint32_t status;	/* HTTP status, 0 outside HTTP */
	uint64_t count;		/* hits, or bytes given out */
	const uint8_t *digest;	/* SHA-256 of what was given out, or NULL */
};

/* Under which name this process writes its records: "queryd@host". Before the first of them; else it is that of a command.
 * Where processes share a name, each but one gets a number behind it ("queryd@host/2"). */
void meta_audit_as(struct meta *m, const char *daemon);

/* Durable on 0. Many threads' records share a commit. */
int meta_audit_intent(struct meta *m, const struct audit_intent *i, struct err *e) MUST_CHECK;
int meta_audit_outcome(struct meta *m, const struct uuid *intent_id, const struct audit_outcome *o, struct err *e) MUST_CHECK;

/* For strongroom-workerd, which goes on where it was cut off: which of both are there. */
int meta_audit_known(struct meta *m, const struct uuid *intent_id, bool *intent_r, bool *outcome_r, struct err *e) MUST_CHECK;

#endif
