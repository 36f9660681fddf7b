/* metrics_server: the listener from which Prometheus reads a daemon's metrics: GET /metrics over plain HTTP, and nothing else.
 *
 * It has a thread of its own that waits for nobody: a client that is slow, silent or sends something else holds up neither the
 * daemon nor other clients, and the one that has been there for longest makes room for a new one. What is shown is about no
 * message and no person; whoever should not see it is kept away by the address, or the rights of a Unix socket's file. */
#ifndef SYS_METRICS_SERVER_H
#define SYS_METRICS_SERVER_H

#include "base/err.h"
#include "sys/metrics.h"

#define METRICS_CLIENTS_MAX 16
#define METRICS_CLIENT_US (10 * INT64_C(1000000)) /* from its connection to the end of the answer */
#define METRICS_HEAD_MAX 4096

/* Some of what a program shows. */
struct metrics_source {
	const struct metric *const *metrics; /* ended by NULL */
	void (*refresh)(void *ctx);	     /* called before each answer, to set gauges; must not wait. Or NULL */
	void *ctx;
};

struct metrics_server;

/* Listens at unix:/PATH or inet:HOST:PORT, as the account that the daemon runs as, and shows the sources, which outlive it,
 * behind those of the process itself (sys/metrics_process.h). address "": *s_r is NULL, and there is nothing to stop. */
int metrics_server_start(struct metrics_server **s_r, const char *address, const struct metrics_source *sources, size_t n,
	struct err *e) MUST_CHECK;
void metrics_server_stopp(struct metrics_server **s);

#endif
