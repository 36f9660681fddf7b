#include "index/index_metrics.h"

static const char *const operations[INDEX_OPERATIONS] = {
	[INDEX_ADD] = "add",
	[INDEX_SYNC] = "sync",
	[INDEX_SEARCH] = "search",
};
static struct metric_histogram cells[INDEX_OPERATIONS];

const struct metric index_seconds = {
	.kind = METRIC_HISTOGRAM,
	.name = "strongroom_index_seconds",
	.help = "How long requests to the index take, by operation.",
	.labels = { { "operation", operations, INDEX_OPERATIONS } },
	.histograms = cells,
};
