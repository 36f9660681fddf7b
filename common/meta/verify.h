/* verify: what the two ledgers, of messages and of the audit, have in common when they are looked through. For
 * meta/ledger_verify.c and meta/audit_verify.c. */
#ifndef META_VERIFY_H
#define META_VERIFY_H

#include "meta/sql.h"
#include "sys/digest.h"

struct verification {
	struct sql_conn *c;
	void (*report)(void *ctx, const char *fault);
	void *ctx;
	uint64_t faults;
	struct err *e;
};

/* Reports one fault, and counts it. */
void verify_fault(struct verification *v, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A record as its row has it. */
struct verify_record {
	char *daemon;
	uint64_t seq;
	uint8_t leaf[SHA256_SIZE];
	struct uuid id;
};

/* Two statements: batches (daemon, first_seq, leaf_count, leaves) and records (daemon, seq, leaf, id …), both in the order of
 * daemon and sequence number. */
struct verify_sequence {
	enum statement batches, records;
	const char *noun; /* "message": what an id names */
	/* Looks at the record itself: the columns behind the id are next. NULL: nobody does. */
	void (*look)(struct verification *v, const struct verify_record *r, struct sql_stmt *columns);
};

/* Do they agree, each daemon's sequence without a gap? -1: the database can't be read. */
int verify_sequence(struct verification *v, const struct verify_sequence *s) MUST_CHECK;

/* The statement's rows are ids of `noun` that there must not be: `what` is wrong with them. */
int verify_none(struct verification *v, enum statement s, const char *noun, const char *what) MUST_CHECK;

#endif
