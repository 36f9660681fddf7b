/* metrics_process: what every process shows of itself, under the names that Prometheus has for it. */
#ifndef SYS_METRICS_PROCESS_H
#define SYS_METRICS_PROCESS_H

#include "sys/metrics_server.h"

extern const struct metrics_source metrics_process;

/* The process begins now, as far as anybody sees. */
void metrics_process_begun(void);

#endif
