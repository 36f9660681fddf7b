/* reconcile: whatever was archived is stored, recorded and indexed; what is not is found, and said. */
#include "archive/reconcile.h"

#include "workerd/worker.h"

static int run(struct worker *w, struct err *e)
{
	return archive_reconcile(w->archive, &w->stop, e);
}

const struct task reconcile_task = {
	.name = "reconcile",
	.interval = offsetof(struct conf, workerd_reconcile_interval_us),
	.run = run,
};
