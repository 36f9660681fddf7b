/* metrics: what strongroom-queryd counts, and shows to Prometheus. */
#ifndef QUERYD_METRICS_H
#define QUERYD_METRICS_H

#include "queryd/call.h"
#include "sys/metrics_server.h"

/* Starts the listener of the configuration, if it has one; service outlives it. Before the first request. */
int queryd_metrics_start(struct metrics_server **s_r, struct service *service, struct err *e) MUST_CHECK;

/* A request has begun; it has been answered, or was cut off, after so long. */
void queryd_metrics_begin(void);
void queryd_metrics_end(const struct call *c, int64_t us);

/* A record of the audit could not be written, and something was not shown for that. */
extern const struct metric queryd_audit_failures;

#endif
