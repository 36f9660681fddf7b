/* meta_private: the handle, for the files of this folder. */
#ifndef META_META_PRIVATE_H
#define META_META_PRIVATE_H

#include "meta/message_row.h"
#include "meta/meta.h"
#include "meta/sql.h"

struct audit_log;
struct hold_act;

struct meta {
	struct sql_db *capture, *control;
	struct audit_log *audit;
};

/* message_row.c: 1 with *row_r (caller deinits), 0, -1. Whoever calls it answers for the scope. */
int message_row_load(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e) MUST_CHECK;

/* Several: rows_r[i] for ids[i], see message_row_is_there(); caller deinits each. */
int message_rows_load(struct meta *m, const struct uuid *ids, size_t n, struct message_row *rows_r, struct err *e) MUST_CHECK;

/* One from the replica, where there is one and it has the message. */
int message_row_load_behind(struct meta *m, const struct uuid *id, struct message_row *row_r,
	struct err *e) MUST_CHECK;

/* One more for a list: what stands in STMT_PARTICIPANTS_GET behind the id. */
void message_row_take_participant(struct participant **list, size_t *n, struct sql_stmt *st);

/* audit.c: what lets many threads' audit records share a commit. */
struct audit_log *audit_log_new(struct sql_db *control, const char *node);
void audit_log_freep(struct audit_log **log);

/* hold.c: the next three columns; the reason is the caller's to free. */
void hold_act_take(struct sql_stmt *st, struct hold_act *act);

#endif
