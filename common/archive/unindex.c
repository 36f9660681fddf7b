#include "archive/unindex.h"

#include "archive/archive_private.h"
#include "archive/lockfile.h"
#include "base/clock.h"
#include "index/index.h"
#include "meta/disposed.h"

#define UNINDEX_AT_ONCE 200
#define AGAIN_US (600 * CLOCK_SECOND) /* whoever had read a message before it was disposed of has indexed it by then */

static int failed_for_now(struct err *e)
{
	e->class = ERR_TEMPORARY;
	return -1;
}

/* Some of them: 1; 0 when there are no more for now; -1. A rebuild may have taken them in already: while it goes on they stay
 * on the list. */
static int remove_some(struct archive *a, struct index **index, int64_t again_us, struct err *e)
{
	struct uuid ids[UNINDEX_AT_ONCE];
	size_t n;

	if (meta_index_removal_list(a->meta, again_us, ids, UNINDEX_AT_ONCE, &n, e))
		return failed_for_now(e);
	if (n == 0)
		return 0;
	if ((!*index && index_open(index, a->conf, INDEX_WRITE, e)) || index_remove(*index, ids, n, e) || index_sync(*index, e))
		return -1;
	if (lockfile_is_held(a->conf->run_dir, INDEXER_REBUILD_LOCK))
		return 0;
	if (meta_index_removal_done(a->meta, ids, n, again_us, clock_now_us(), e))
		return failed_for_now(e);
	return n == UNINDEX_AT_ONCE;
}

int archive_unindex(struct archive *a, struct err *e)
{
	CLEANUP(index_closep) struct index *index = NULL;
	int64_t again_us = clock_now_us() - AGAIN_US;
	int more;

	do
		more = remove_some(a, &index, again_us, e);
	while (more > 0);
	return more;
}
