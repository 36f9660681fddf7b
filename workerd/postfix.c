/* postfix: what the mail server accepted was captured, by its own log. */
#include "archive/postfix_log.h"

#include "workerd/worker.h"

static int run(struct worker *w, struct err *e)
{
	return archive_postfix_log(w->archive, &w->stop, e);
}

const struct task postfix_task = {
	.name = "postfix-log",
	.interval = offsetof(struct conf, workerd_postfix_interval_us),
	.run = run,
};
