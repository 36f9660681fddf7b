#include "sys/metrics_backend.h"

#define CLASSES (ERR_UNKNOWN + 1)

static const char *const backends[BACKENDS] = {
	[BACKEND_STORE] = "store",
	[BACKEND_META] = "meta",
	[BACKEND_INDEX] = "index",
	[BACKEND_CACHE] = "cache",
};
static const char *const classes[CLASSES] = {
	[ERR_TEMPORARY] = "temporary",
	[ERR_CONFLICT] = "conflict",
	[ERR_PERMANENT] = "permanent",
	[ERR_UNKNOWN] = "unknown",
};
static _Atomic int64_t cells[BACKENDS * CLASSES];

const struct metric backend_errors = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_backend_errors_total",
	.help = "Operations that failed, by backend and by class: temporary (full, down, timed out), conflict (tried again), "
		"permanent (refused, damaged), unknown (the answer was lost).",
	.labels = { { "backend", backends, BACKENDS }, { "class", classes, CLASSES } },
	.cells = cells,
};

int backend_result(enum backend b, int result, const struct err *e)
{
	if (result < 0)
		metric_add(&backend_errors, metric_cell(&backend_errors, b, e->class ? e->class : ERR_TEMPORARY, 0), 1);
	return result;
}
