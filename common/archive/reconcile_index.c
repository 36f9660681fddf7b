/* The index against the rows of a slice: what it lacks goes on the outbox. */
#include "archive/lockfile.h"
#include "archive/reconcile_slice.h"
#include "base/log.h"
#include "index/index.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"

#define ASK_AT_ONCE 500

struct asking {
	struct slice *slice;
	struct index *index;
	struct uuid ids[ASK_AT_ONCE]; /* of those that were not disposed of */
	bool present[ASK_AT_ONCE];
	size_t n;
	uint64_t put_back;
};

enum lack { LACK_FAILED = -1, LACK_NONE, LACK_LOST, LACK_DISPOSED };

/* A message leaves the outbox once the index holds it for good, or when it is disposed of: one that is in neither, asked in
 * this order and then again, is lost to the index. */
static enum lack find_lack(struct asking *a, size_t i, struct err *e)
{
	struct meta *m = a->slice->archive->meta;
	int waits = meta_reconcile_waits(m, &a->ids[i], e);
	struct disposed d;
	bool present;

	if (waits)
		return waits < 0 ? LACK_FAILED : LACK_NONE;
	if (index_has(a->index, &a->ids[i], 1, &present, e))
		return LACK_FAILED;
	if (present)
		return LACK_NONE;
	int disposed = meta_disposed_get(m, &a->ids[i], &d, e);

	return disposed < 0 ? LACK_FAILED : disposed ? LACK_DISPOSED : LACK_LOST;
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
		enum lack lack = find_lack(a, i, e);

		if (lack == LACK_FAILED ||
			(lack == LACK_LOST && meta_outbox_add(s->archive->meta, &a->ids[i], 1, s->now_us, e)))
			return -1;
		s->tally.waiting += lack != LACK_DISPOSED;
		s->tally.unindexed += lack == LACK_DISPOSED;
		a->put_back += lack == LACK_LOST;
	}
	return 0;
}

static enum slice_result ask(struct asking *a, struct err *e)
{
	const struct reconcile_rows *rows = &a->slice->rows;

	for (size_t at = 0; at < rows->n;) {
		if (atomic_load(a->slice->stop))
			return SLICE_LATER;
		for (a->n = 0; at < rows->n && a->n < ASK_AT_ONCE; at++)
			if (rows->items[at].disposed_us)
				a->slice->tally.unindexed++;
			else
				a->ids[a->n++] = rows->items[at].id;
		if (a->n && ask_some(a, e))
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
