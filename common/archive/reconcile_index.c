/* The index against the rows of a slice: what it lacks goes on the outbox. */
#include "archive/lockfile.h"
#include "archive/reconcile_slice.h"
#include "base/log.h"
#include "index/index.h"
#include "meta/maintenance.h"

#define ASK_AT_ONCE 500

struct asking {
	struct slice *slice;
	struct index *index;
	struct uuid ids[ASK_AT_ONCE];
	bool present[ASK_AT_ONCE];
	size_t n;
	uint64_t put_back;
};

/* A message leaves the outbox once the index holds it for good: one that is in neither, asked in this order and then
 * again, is lost to the index. 1, 0, -1. */
static int is_lost(struct asking *a, size_t i, struct err *e)
{
	int waits = meta_reconcile_waits(a->slice->archive->meta, &a->ids[i], e);
	bool present;

	if (waits)
		return waits < 0 ? -1 : 0;
	return index_has(a->index, &a->ids[i], 1, &present, e) ? -1 : !present;
}

static int ask_some(struct asking *a, struct err *e)
{
	struct slice *s = a->slice;

	if (index_has(a->index, a->ids, a->n, a->present, e))
		return -1;
	for (size_t i = 0; i < a->n; i++) {
		if (a->present[i]) {
			s->tally.indexed++;
			continue;
		}
		int lost = is_lost(a, i, e);

		if (lost < 0 || (lost && meta_outbox_add(s->archive->meta, &a->ids[i], 1, s->now_us, e)))
			return -1;
		s->tally.waiting++;
		a->put_back += lost > 0;
	}
	return 0;
}

static enum slice_result ask(struct asking *a, struct err *e)
{
	const struct reconcile_rows *rows = &a->slice->rows;

	for (size_t at = 0; at < rows->n; at += a->n) {
		if (atomic_load(a->slice->stop))
			return SLICE_LATER;
		a->n = rows->n - at < ASK_AT_ONCE ? rows->n - at : ASK_AT_ONCE;
		for (size_t i = 0; i < a->n; i++)
			a->ids[i] = rows->items[at + i].id;
		if (ask_some(a, e))
			return SLICE_FAILED;
	}
	return SLICE_DONE;
}

enum slice_result slice_look_at_index(struct slice *s, struct err *e)
{
	CLEANUP(index_closep) struct index *index = NULL;

	if (lockfile_is_held(s->archive->conf->run_dir, INDEXER_REBUILD_LOCK))
		return SLICE_LATER;
	if (s->rows.n && index_open(&index, s->archive->conf, INDEX_READ, e))
		return SLICE_FAILED;
	struct asking a = { .slice = s, .index = index };
	enum slice_result rc = ask(&a, e);

	if (a.put_back)
		log_warn(NULL, "the index lacked %llu messages that were not waiting for it: they are put on the outbox",
			(unsigned long long)a.put_back);
	return rc;
}
