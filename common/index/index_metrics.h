/* index_metrics: how long the index takes. */
#ifndef INDEX_INDEX_METRICS_H
#define INDEX_INDEX_METRICS_H

#include "sys/metrics.h"

enum index_operation {
	INDEX_ADD,    /* some documents, usually many */
	INDEX_SYNC,   /* what was added becomes durable */
	INDEX_SEARCH, /* one page of hits */
	INDEX_OPERATIONS,
};

extern const struct metric index_seconds; /* by operation */

#endif
