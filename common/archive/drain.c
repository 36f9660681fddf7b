/* archive_drain(): what capture left on the outbox is indexed from the store. */
#include "archive/archive_private.h"
#include "archive/lockfile.h"
#include "archive/stored.h"
#include "base/clock.h"
#include "meta/maintenance.h"

#define DRAIN_AT_ONCE 64

/* One batch. *done_r is how many left the outbox, *listed_r how many were looked at. */
static int drain_some(struct archive *a, size_t max, int64_t before_us, size_t skip, size_t *listed_r, size_t *done_r,
	struct err *e)
{
	_free_ struct uuid *ids = MEM_ARRAY(struct uuid, skip + max);
	size_t n;

	*listed_r = *done_r = 0;
	if (meta_outbox_list(a->meta, before_us, ids, skip + max, &n, e)) {
		e->class = ERR_TEMPORARY;
		return -1;
	}
	if (n <= skip)
		return 0;
	*listed_r = n - skip;
	return stored_index(a, ids + skip, n - skip, done_r, e);
}

/* The oldest come first, and those that can't be had stay at the head of the list: each batch looks behind them. */
int archive_drain(struct archive *a, size_t max, int64_t min_age_us, size_t *done_r, struct err *e)
{
	int64_t before_us = clock_now_us() - min_age_us;
	size_t stuck = 0;

	*done_r = 0;
	if (indexer_ready(a->indexer, e))
		return -1;
	if (lockfile_is_held(a->conf->run_dir, INDEXER_REBUILD_LOCK))
		return 0; /* nothing may come off the outbox now */
	while (*done_r < max) {
		size_t left = max - *done_r, listed, done;

		if (drain_some(a, left < DRAIN_AT_ONCE ? left : DRAIN_AT_ONCE, before_us, stuck, &listed, &done, e))
			return -1;
		*done_r += done;
		stuck += listed - done;
		if (listed == 0)
			break;
	}
	return 0;
}
