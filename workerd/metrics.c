#include "workerd/metrics.h"

#include "base/clock.h"
#include "conf/surroundings.h"
#include "index/index_metrics.h"
#include "mail/parser_metrics.h"
#include "sys/metrics_backend.h"
#include "workerd/installation.h"

static const char *names[WORKER_TASKS_MAX];
static _Atomic int64_t open_cell, failures_cells[WORKER_TASKS_MAX], success_cells[WORKER_TASKS_MAX];

static const struct metric is_open = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_archive_open",
	.help = "1 when the archive is open; 0: nothing is done until it can be opened.",
	.cells = &open_cell,
};
static const struct metric failures = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_task_failures_total",
	.help = "Turns of a task that failed and were tried again.",
	.labels = { { "task", names, WORKER_TASKS_MAX } },
	.cells = failures_cells,
};
static const struct metric success = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_task_success_timestamp_seconds",
	.help = "When a turn of a task last ended well, in seconds since 1970; 0: never yet.",
	.labels = { { "task", names, WORKER_TASKS_MAX } },
	.seconds = true,
	.cells = success_cells,
};

static const struct metric *const own[] = { &is_open, &failures, &success, &backend_errors, &index_seconds, &parser_replaced,
	NULL };

int worker_metrics_start(struct metrics_server **s_r, const struct conf *conf, const struct task *const *tasks, size_t n,
	struct err *e)
{
	static struct surroundings around;
	static struct metrics_source sources[3];

	for (size_t i = 0; i < n && i < WORKER_TASKS_MAX; i++)
		names[i] = tasks[i]->name;
	around = (struct surroundings){ .conf = conf };
	sources[0] = (struct metrics_source){ .metrics = own };
	sources[1] = installation_metrics();
	sources[2] = (struct metrics_source){ surroundings_metrics, surroundings_refresh, &around };
	return metrics_server_start(s_r, conf->workerd_metrics, sources, ARRAY_LEN(sources), e);
}

void worker_metrics_opened(void)
{
	metric_set(&is_open, 0, 1);
}

void worker_metrics_turn(size_t task, bool failed)
{
	if (task >= WORKER_TASKS_MAX)
		return;
	if (failed)
		metric_add(&failures, task, 1);
	else
		metric_set(&success, task, clock_now_us());
}
