/* govern: what was archived is kept for as long as the rules of today say, if they say longer than those of its day. */
#include "archive/govern.h"

#include "base/clock.h"
#include "workerd/worker.h"

static int run(struct worker *w, struct err *e)
{
	return archive_govern(w->archive, GOVERN_BEHIND_US, &w->stop, e);
}

const struct task govern_task = {
	.name = "govern",
	.every_us = 2 * CLOCK_SECOND,
	.run = run,
};
