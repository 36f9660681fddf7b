/* metrics_backend: what fails at store, database, index and cache, for every program that uses them. */
#ifndef SYS_METRICS_BACKEND_H
#define SYS_METRICS_BACKEND_H

#include "base/err.h"
#include "sys/metrics.h"

enum backend { BACKEND_STORE, BACKEND_META, BACKEND_INDEX, BACKEND_CACHE, BACKENDS };

/* By backend and class of the failure. */
extern const struct metric backend_errors;

/* Gives back the result of an operation of a backend, and counts it when it is -1, by the class of *e. */
int backend_result(enum backend b, int result, const struct err *e) MUST_CHECK;

#endif
