#include "meta/keep_gate.h"

#include "meta/meta_private.h"

int keep_gate_raise(struct meta *m, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_writer(m->capture, &c, e) || sql_begin(c, SQL_DURABLE, e) ||
		sql_run(sql_use(c, STMT_KEEP_GATE_RAISE), e) != SQL_DONE ? -1 : sql_commit(c, e);
}

int keep_gate_begin(struct meta *m, struct sql_conn **c_r, struct err *e)
{
	return keep_gate_raise(m, e) || sql_writer(m->control, c_r, e) || sql_begin(*c_r, SQL_DURABLE, e) ? -1 : 0;
}

int keep_gate_commit(struct meta *m, struct sql_conn **c, struct err *e)
{
	int failed = sql_commit(*c, e);

	sql_releasep(c); /* a thread holds one writer */
	return failed ? -1 : keep_gate_raise(m, e);
}

int meta_keep_generation(struct meta *m, uint64_t *generation_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->capture, &c, e) ? -1 : sql_number(sql_use(c, STMT_KEEP_GATE_READ), generation_r, e);
}
