/* audit_group: one commit of audit rows with their records and the batch of their leaves. For meta/audit.c. */
#ifndef META_AUDIT_GROUP_H
#define META_AUDIT_GROUP_H

#include "meta/audit.h"
#include "meta/sql.h"
#include "sys/digest.h"

/* One row that waits for its commit; on the stack of the thread that wants it. */
struct audit_entry {
	const struct audit_intent *intent; /* or: */
	const struct uuid *intent_id;
	const struct audit_outcome *outcome;
	struct audit_entry *next;
	bool done; /* of meta/audit.c */
	int failed; /* of this one alone, with err */
	struct err err;
};

#define AUDIT_SETS 256

/* Which sequence this process writes, and how far it is. Processes of one name soon have a sequence each: who finds its
 * place taken by another goes on with the next ("queryd@host", "queryd@host/2", …), wherever that one stands. */
struct audit_sequence {
	char *name;
	char *daemon;
	unsigned number; /* 1: the daemon is the name */
	bool known, taken;
	uint64_t last; /* committed */
	struct audit_set {
		bool there;
		uint8_t digest[SHA256_SIZE];
	} sets[AUDIT_SETS]; /* of mailboxes that were committed, each at a place that it shares with others; known with `last` */
};

void audit_sequence_init(struct audit_sequence *s, const char *name);
void audit_sequence_deinit(struct audit_sequence *s);

/* Writes the list. -1: nothing of it is written. On 0 those that have not `failed` are durable. One thread at a time. */
int audit_group_write(struct sql_db *control, struct audit_sequence *sequence, struct audit_entry *group, struct err *e) MUST_CHECK;

#endif
