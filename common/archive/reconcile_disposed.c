/* What was disposed of: was it to be, and is it gone? */
#include "archive/approval.h"
#include "archive/reconcile_slice.h"
#include "meta/disposed.h"

/* ---- the object ---- */

void slice_tell_returned(struct slice *s, const struct locator *where, const struct uuid *id)
{
	slice_alarm(s, id, RECONCILE_RETURNED, "it was disposed of and removed from the store, and the object %s%s%s is there", where->key,
		*where->version ? ", version " : "", where->version);
}

int slice_check_removed(struct slice *s, const struct reconcile_row *row, struct err *e)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	int there = row->removed_us ? store_remains(s->archive->store, &row->id, &where, e) : 0;

	if (there < 0)
		return slice_tell_unreadable(s, row, e);
	if (there)
		slice_tell_returned(s, &where, &row->id);
	return 0;
}

/* ---- the approval ---- */

int slice_check_approvals(struct slice *s, const struct uuid *ids, size_t n, struct err *e)
{
	struct approval list[KEEPING_AT_ONCE];
	int failed = approval_look(s->archive->meta, ids, n, list, e);

	for (size_t i = 0; i < n && !failed; i++)
		if (list[i].verdict != APPROVAL_GIVEN)
			slice_alarm(s, &ids[i], list[i].verdict == APPROVAL_LACKS ? RECONCILE_UNAPPROVED : RECONCILE_KEPT, "%s", list[i].why);
	approval_deinit(list, n);
	return failed;
}

enum slice_result slice_check_disposed(struct slice *s, struct err *e)
{
	struct uuid ids[KEEPING_AT_ONCE];
	size_t n = 0;

	for (size_t i = 0; i < s->rows.n; i++) {
		if (s->rows.items[i].disposed_us)
			ids[n++] = s->rows.items[i].id;
		if (n < KEEPING_AT_ONCE && i + 1 < s->rows.n)
			continue;
		if (atomic_load(s->stop))
			return SLICE_LATER;
		if (n && slice_check_approvals(s, ids, n, e))
			return SLICE_FAILED;
		n = 0;
	}
	return SLICE_DONE;
}
