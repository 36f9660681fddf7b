/* installation: the state of the whole installation as metrics, looked up in the database by a task, so that whoever reads
 * them costs the database nothing. */
#ifndef WORKERD_INSTALLATION_H
#define WORKERD_INSTALLATION_H

#include "sys/metrics_server.h"

/* Before the task's first turn nothing of it is known. */
struct metrics_source installation_metrics(void);

#endif
