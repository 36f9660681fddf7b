/* archive_index_check(): is the index whole? */
#include "archive/archive_private.h"
#include "index/index.h"
#include "meta/maintenance.h"

#include <inttypes.h>

/* A message leaves the outbox only once it is in the index, and nothing leaves the index. So at any moment the index holds
 * at least what is archived and not on the outbox; asking in this order, while all of them grow, can't raise a false
 * alarm. */
static int compare_counts(struct archive *a, struct index *index, struct err *e)
{
	uint64_t archived, waiting, indexed;
	int64_t oldest_us;

	if (meta_message_count(a->meta, &archived, e) || meta_outbox_count(a->meta, &waiting, &oldest_us, e))
		return -1;
	if (index_count(index, &indexed, e))
		return e->class == ERR_PERMANENT ? 0 : -1;
	if (indexed + waiting >= archived)
		return 1;
	err_permanent(e, "the index holds %" PRIu64 " messages, of %" PRIu64 " that are archived and not waiting for it",
		indexed, archived - waiting);
	return 0;
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
	return count ? compare_counts(a, index, e) : 1;
}
