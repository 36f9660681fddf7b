/* metrics: what strongroom-lmtpd shows to Prometheus. */
#ifndef LMTPD_METRICS_H
#define LMTPD_METRICS_H

#include "lmtpd/listener.h"
#include "sys/metrics_server.h"

/* Starts the listener of the configuration, if it has one; l is set up but for its connections, and outlives it. */
int lmtpd_metrics_start(struct metrics_server **s_r, struct listener *l, struct err *e) MUST_CHECK;

/* A connection that is not served. */
enum lmtpd_refusal { REFUSAL_NOT_A_PEER, REFUSAL_TOO_MANY, REFUSALS };
extern const struct metric lmtpd_refused;

#endif
