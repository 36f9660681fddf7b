/* govern: what was archived is kept for as long as the rules of today say, if they say longer than those of its day;
 * what nothing keeps any longer goes, if two people have decided so. */
#include "archive/dispose.h"
#include "archive/govern.h"

#include "base/clock.h"
#include "workerd/worker.h"

static int run(struct worker *w, struct err *e)
{
	return archive_govern(w->archive, GOVERN_BEHIND_US, &w->stop, e) ||
		archive_dispose(w->archive, GOVERN_BEHIND_US, &w->stop, e) ? -1 : 0;
}

const struct task govern_task = {
	.name = "govern",
	.every_us = 2 * CLOCK_SECOND,
	.run = run,
};
