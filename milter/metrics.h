/* metrics: what strongroom-milter shows to Prometheus. */
#ifndef MILTER_METRICS_H
#define MILTER_METRICS_H

#include "milter/server.h"
#include "sys/metrics_server.h"

/* Starts the listener of the configuration, if it has one; server outlives it. */
int milter_metrics_start(struct metrics_server **s_r, struct server *server, struct err *e) MUST_CHECK;

#endif
