/* outbox: whatever was archived becomes searchable, and what was disposed of no longer is. Indexes what capture could not index at
 * once, and builds the index anew when it is missing, damaged or not whole. */
#include "archive/unindex.h"
#include "base/clock.h"
#include "base/log.h"
#include "cache/cache.h"
#include "workerd/worker.h"

#include <inttypes.h>

#define DRAIN_AT_ONCE 256		 /* messages between two looks at w->stop */
#define GRACE_US (5 * CLOCK_SECOND)	 /* a daemon indexes itself what it captured */
#define COUNT_US (3600 * CLOCK_SECOND)	 /* between two counts of the index, while all is well */
#define PROGRESS_US (10 * CLOCK_SECOND)	 /* between two lines about a rebuild */

static int64_t count_due_us; /* monotonic; the task runs in one thread */

struct rebuild {
	struct worker *w;
	int64_t report_due_us;
};

static int report(void *ctx, const struct archive_progress *p)
{
	struct rebuild *r = ctx;
	int64_t now = clock_monotonic_us();

	if (now >= r->report_due_us) {
		r->report_due_us = now + PROGRESS_US;
		log_info(NULL, "building the index: %" PRIu64 " of %" PRIu64 " messages", p->done,
			p->total);
	}
	return atomic_load(&r->w->stop) ? -1 : 0;
}

static int rebuild(struct worker *w, const char *why, struct err *e)
{
	const struct archive_rebuild all = { .how = ARCHIVE_REINDEX_ANYHOW, .from_us = INT64_MIN, .until_us = INT64_MAX };
	struct rebuild r = { w, clock_monotonic_us() + PROGRESS_US };
	struct archive_progress p = { 0 };

	log_warn(NULL, "the index is built anew from the archive, search is incomplete until "
		       "that is done: %s", why);
	if (archive_reindex(w->archive, &all, report, &r, &p, e))
		return atomic_load(&w->stop) ? 0 : -1;
	log_info(NULL, "the index is whole again: %" PRIu64 " messages, %" PRIu64
		       " of them could not be read", p.done, p.failed);
	return 0;
}

static int check(struct worker *w, struct err *e)
{
	struct err why = { 0 };
	bool count = clock_monotonic_us() >= count_due_us;

	switch (archive_index_check(w->archive, count, &why)) {
	case 1:
		if (count)
			count_due_us = clock_monotonic_us() + COUNT_US;
		return 0;
	case 0:
		return rebuild(w, why.text, e);
	default:
		*e = why;
		return -1;
	}
}

/* When a daemon has left a message to this one for good. */
static int64_t ripe_us(const struct conf *conf)
{
	return conf_reply_wait_us(conf) + GRACE_US;
}

static int drain(struct worker *w, struct err *e)
{
	int64_t min_age_us = ripe_us(w->conf);
	uint64_t total = 0;
	size_t done = 0;
	int failed;

	do {
		failed = archive_drain(w->archive, DRAIN_AT_ONCE, min_age_us, &done, e);
		total += done;
	} while (!failed && done == DRAIN_AT_ONCE && !atomic_load(&w->stop));
	if (total)
		log_info(NULL, "indexed %" PRIu64 " messages of the outbox", total);
	if (!failed || !total || e->class != ERR_TEMPORARY)
		return failed;
	/* What gets somewhere each time is not to wait longer each time. */
	log_warn(NULL, "the outbox was not drained to its end, and is tried again: %s", e->text);
	return 0;
}

static int run(struct worker *w, struct err *e)
{
	if (check(w, e))
		return -1;
	if (archive_unindex(w->archive, e) == 0 && drain(w, e) == 0)
		return 0;
	count_due_us = 0; /* perhaps it is the index: look before the next turn */
	if (e->class != ERR_PERMANENT)
		return -1;
	struct err why = *e;

	return rebuild(w, why.text, e);
}

const struct task outbox_task = {
	.name = "outbox",
	.wake = CACHE_WAKE_OUTBOX,
	.settle_us = ripe_us,
	.interval = offsetof(struct conf, workerd_outbox_interval_us),
	.run = run,
};
