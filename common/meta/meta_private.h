/* meta_private: the handle, for the files of this folder. */
#ifndef META_META_PRIVATE_H
#define META_META_PRIVATE_H

#include "meta/message_row.h"
#include "meta/meta.h"
#include "meta/sql.h"

struct audit_log;

struct meta {
	struct sql_db *capture, *control;
	struct audit_log *audit;
};

/* message_row.c: 1 with *row_r (caller deinits), 0, -1. Whoever calls it answers for the scope. */
int message_row_load(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e) MUST_CHECK;

/* The same from the replica, where there is one and it has the message. */
int message_row_load_behind(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e) MUST_CHECK;

/* audit.c: what lets many threads' audit records share a commit. */
struct audit_log *audit_log_new(struct sql_db *control);
void audit_log_freep(struct audit_log **log);

#endif
