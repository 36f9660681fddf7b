#include "meta/catalog.h"

#include "meta/coverage.h"
#include "meta/meta_private.h"

int meta_message_get(struct meta *m, const struct scope *scope, const struct uuid *id,
	struct message_row *row_r, struct err *e)
{
	CLEANUP(message_row_deinit) struct message_row r = { 0 };
	int found = message_row_load(m, id, &r, e);

	if (found <= 0)
		return found;
	if (!scope_covers(scope, r.date_us, r.participants, r.participant_count))
		return 0;
	*row_r = r;
	r = (struct message_row){ 0 };
	return 1;
}

int meta_coverage(struct meta *m, const struct scope *scope, struct meta_coverage *c_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->capture, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	return coverage_archived(c, scope, &c_r->in_scope, e) ||
		coverage_waiting(c, scope, &c_r->not_indexed, e) ? -1 : 0;
}
