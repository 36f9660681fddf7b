/* keep_gate: keeps the removal of messages and what keeps them longer apart.
 *
 * Who places a hold, makes a policy or puts somebody into a department begins that transaction with keep_gate_begin() and ends it
 * with keep_gate_commit(). Who
 * disposes of messages reads the generation, then all that keeps them, and in each transaction that disposes of some sees that it is
 * the same still: meta_lifecycle_gate(). So what was answered before a message was disposed of was known when it was judged. */
#ifndef META_KEEP_GATE_H
#define META_KEEP_GATE_H

#include "meta/meta.h"
#include "meta/sql.h"

/* Begins a transaction of who writes to the control database; the caller releases the connection. It raises the gate once, so that
 * where that does not work nothing is done: only what breaks between the two calls leaves something in force that is not answered
 * as done. */
int keep_gate_begin(struct meta *m, struct sql_conn **c_r, struct err *e) MUST_CHECK;

/* Commits what keeps something longer and releases the connection; when it returns 0 nobody disposes of a message any more
 * who does not know it. -1: as sql_commit(), or it is in force and that could not be said to those who dispose: not to be
 * answered as done. */
int keep_gate_commit(struct meta *m, struct sql_conn **c, struct err *e) MUST_CHECK;

/* Says it alone, when it is in force. */
int keep_gate_raise(struct meta *m, struct err *e) MUST_CHECK;

int meta_keep_generation(struct meta *m, uint64_t *generation_r, struct err *e) MUST_CHECK;

#endif
