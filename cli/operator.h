/* operator: what an operator does at the command line goes into the audit trail, as what signed-in users do. */
#ifndef CLI_OPERATOR_H
#define CLI_OPERATOR_H

#include "base/uuid.h"
#include "meta/audit.h"

#include <cJSON.h>

/* Takes note of who gave the command; before root is given up. */
void operator_begin(void);

/* The intent, durable on 0 and before the effect. *id_r is for the outcome. */
int operator_intent(struct meta *m, const char *action, const cJSON *detail, struct uuid *id_r, struct err *e) MUST_CHECK;

/* rc < 0: it failed. */
int operator_outcome(struct meta *m, const struct uuid *id, int rc, struct err *e) MUST_CHECK;

#endif
