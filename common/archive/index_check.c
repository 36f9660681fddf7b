/* archive_index_check(): is the index whole? */
#include "archive/archive_private.h"
#include "index/index.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"

#include <inttypes.h>

/* A message leaves the outbox only once it is in the index, and only what is disposed of leaves the index. So at any moment the index holds
 * at least what is archived and not on the outbox; asking in this order, while all of them grow, can't raise a false
 * alarm. */
static int compare_counts(struct archive *a, struct index *index, struct err *e)
{
	uint64_t archived, gone, waiting, indexed;
	int64_t oldest_us;

	if (meta_message_count(a->meta, &archived, e) || meta_disposed_count(a->meta, &gone, e) || meta_outbox_count(a->meta, &waiting, &oldest_us, e))
		return -1;
	archived -= gone < archived ? gone : archived;
	if (index_count(index, &indexed, e))
		return e->class == ERR_PERMANENT ? 0 : -1;
	if (indexed + waiting >= archived)
		return 1;
	err_permanent(e, "the index holds %" PRIu64 " messages, of %" PRIu64 " that are archived and not waiting for it",
		indexed, archived - waiting);
	return 0;
}

/* What stays of messages that were disposed of goes with the file, once nobody adds one of them any more. */
static int look_for_gone(struct archive *a, struct index *index, struct err *e)
{
	struct uuid id;
	uint64_t gone;
	size_t waiting;

	if (index_count_gone(index, &gone, e))
		return e->class == ERR_PERMANENT ? 0 : -1;
	if (gone == 0)
		return 1;
	if (meta_index_removal_list(a->meta, INT64_MAX, &id, 1, &waiting, e))
		return -1;
	if (waiting)
		return 1;
	err_permanent(e, "words of %" PRIu64 " messages that were disposed of are in it still", gone);
	return 0;
}

/* The counts of a moment. */
static int look_closely(struct archive *a, struct index *index, struct err *e)
{
	int whole = compare_counts(a, index, e);

	return whole > 0 ? look_for_gone(a, index, e) : whole;
}

int archive_index_check(struct archive *a, bool count, struct err *e)
{
	CLEANUP(index_closep) struct index *index = NULL;

	if (index_is_damaged(a->conf)) {
		err_permanent(e, "the index %s was found damaged", a->conf->index);
		return 0;
	}
	if (index_open(&index, a->conf, INDEX_READ, e))
		return e->class == ERR_PERMANENT ? 0 : -1;
	return count ? look_closely(a, index, e) : 1;
}
