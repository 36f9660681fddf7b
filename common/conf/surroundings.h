/* surroundings: what a daemon shows of the machine that it depends on: the room where the configuration has it write, and its
 * own certificate. */
#ifndef CONF_SURROUNDINGS_H
#define CONF_SURROUNDINGS_H

#include "conf/conf.h"
#include "sys/metrics_server.h"

struct surroundings {
	const struct conf *conf;
	const char *certificate; /* PEM file; "" or NULL: the daemon has none */
};

extern const struct metric *const surroundings_metrics[];
void surroundings_refresh(void *surroundings);

#endif
