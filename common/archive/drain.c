/* archive_drain(): what capture left on the outbox is indexed from the store. */
#include "archive/archive_private.h"
#include "archive/lockfile.h"
#include "archive/stored.h"
#include "base/clock.h"
#include "meta/maintenance.h"

#include <string.h>

#define DRAIN_AT_ONCE 64
#define FLAT_OUT 100 /* messages within a second */
#define SET_ASIDE_US (600 * CLOCK_SECOND) /* what can't be read is tried again after this */

/* The oldest of the outbox but those that are set aside; the database gives the oldest first. */
static int list_some(struct archive *a, size_t max, int64_t before_us, struct uuid *ids_r,
	size_t *n_r, struct err *e)
{
	size_t room = a->setaside.n + max, listed;
	_free_ struct uuid *ids = MEM_ARRAY(struct uuid, room);
	int64_t now_us = clock_monotonic_us();

	*n_r = 0;
	if (meta_outbox_list(a->meta, before_us, ids, room, &listed, e)) {
		e->class = ERR_TEMPORARY;
		return -1;
	}
	for (size_t i = 0; i < listed && *n_r < max; i++)
		if (!setaside_has(&a->setaside, &ids[i], now_us))
			ids_r[(*n_r)++] = ids[i];
	return 0;
}

static int set_aside(
	struct archive *a, const struct uuid *ids, const bool *done, size_t n, struct err *e)
{
	int64_t until_us = clock_monotonic_us() + SET_ASIDE_US;

	for (size_t i = 0; i < n; i++)
		if (!done[i] && !setaside_add(&a->setaside, &ids[i], until_us))
			return err_temporary(
				e, "the bytes of over %d messages can't be read", SETASIDE_MAX);
	return 0;
}

/* One batch; *n_r is how many were tried. */
static int drain_some(struct archive *a, size_t max, int64_t before_us, size_t *n_r,
	size_t *done_r, struct err *e)
{
	struct uuid ids[DRAIN_AT_ONCE];
	bool done[DRAIN_AT_ONCE];

	if (list_some(a, max < DRAIN_AT_ONCE ? max : DRAIN_AT_ONCE, before_us, ids, n_r, e))
		return -1;
	if (*n_r == 0)
		return 0;
	if (stored_index(a, ids, *n_r, done, e))
		return -1;
	for (size_t i = 0; i < *n_r; i++)
		*done_r += done[i];
	return set_aside(a, ids, done, *n_r, e);
}

/* Does so much mail come in that it had better have the processors? 1, 0, -1. */
static int is_flat_out(struct archive *a, struct err *e)
{
	struct uuid newest[FLAT_OUT], before;
	size_t n;

	memset(&before, 0xff, sizeof(before));
	if (meta_message_walk_back(a->meta, &before, newest, FLAT_OUT, &n, e)) {
		e->class = ERR_TEMPORARY;
		return -1;
	}
	return n == FLAT_OUT && uuid_time_us(&newest[n - 1]) > clock_now_us() - CLOCK_SECOND;
}

int archive_drain(struct archive *a, size_t max, int64_t min_age_us, size_t *done_r, struct err *e)
{
	int64_t before_us = clock_now_us() - min_age_us;
	size_t tried;
	int flat_out;

	*done_r = 0;
	if (indexer_ready(a->indexer, e))
		return -1;
	if (lockfile_is_held(a->conf->run_dir, INDEXER_REBUILD_LOCK))
		return 0; /* nothing may come off the outbox now */
	do {
		if (drain_some(a, max - *done_r, before_us, &tried, done_r, e))
			return -1;
		if (!tried || *done_r >= max)
			return 0;
		flat_out = is_flat_out(a, e);
	} while (flat_out == 0);
	return flat_out < 0 ? -1 : 0;
}
