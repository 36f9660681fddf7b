/* partitions: where the database splits its tables by month, the months to come get theirs ahead of time. */
#include "base/clock.h"
#include "workerd/worker.h"

static int run(struct worker *w, struct err *e)
{
	return archive_extend(w->archive, e);
}

const struct task partitions_task = {
	.name = "partitions",
	.every_us = 12 * 3600 * CLOCK_SECOND,
	.run = run,
};
