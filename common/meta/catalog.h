/* catalog: reading what is archived. The scoped half is all that queryd may use; the unscoped half serves the
 * archive's own maintenance (workerd, cli, archive/). */
#ifndef META_CATALOG_H
#define META_CATALOG_H

#include "mail/scope.h"
#include "meta/disposed.h"
#include "meta/message_brief.h"
#include "meta/message_record.h"
#include "meta/message_row.h"
#include "meta/meta.h"

/* ---- scoped: what somebody may see ---- */

/* 1 with *row_r (caller deinits); 0 when there is none in this scope, which is all that a caller may learn; -1. */
int meta_message_get(struct meta *m, const struct scope *scope, const struct uuid *id, struct message_row *row_r,
	struct err *e) MUST_CHECK;

/* Gives take() those of the messages that are in this scope, in the order of their ids here: ids[i] is that of *brief. The
 * participants of a few are in memory at a time. 0, -1. */
typedef void meta_message_take(void *ctx, size_t i, const struct message_brief *brief);
int meta_messages_read(struct meta *m, const struct scope *scope, const struct uuid *ids, size_t n, meta_message_take *take, void *ctx,
	struct err *e) MUST_CHECK;

/* Is there such a message in this scope? 1, 0, -1. What it reads depends on the scope and not on the message, of which a
 * hundred thousand participants can be there: no clock tells one outside the scope from one that does not exist. */
int meta_message_in_scope(struct meta *m, const struct scope *scope, const struct uuid *id, struct err *e) MUST_CHECK;

/* Was there one in this scope that was disposed of? 1 with *d_r, 0, -1. To all others here it is not there. */
int meta_message_disposed(struct meta *m, const struct scope *scope, const struct uuid *id, struct disposed *d_r, struct err *e)
	MUST_CHECK;

/* What the ledger keeps of a message in this scope: 1 with *r_r (caller deinits), 0, -1. */
int meta_message_record(struct meta *m, const struct scope *scope, const struct uuid *id, struct meta_record *r_r,
	struct err *e) MUST_CHECK;

struct meta_coverage {
	uint64_t in_scope;    /* archived messages in the scope, but those that were disposed of */
	uint64_t not_indexed; /* of these, still on the outbox */
};

int meta_coverage(struct meta *m, const struct scope *scope, struct meta_coverage *c_r, struct err *e) MUST_CHECK;

#endif
