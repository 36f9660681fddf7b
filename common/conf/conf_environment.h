/* conf_environment: what of the environment sets nothing. */
#ifndef CONF_CONF_ENVIRONMENT_H
#define CONF_CONF_ENVIRONMENT_H

#include "base/strv.h"

/* Adds the variables of the environment that begin with STRONGROOM_ and are none of ours ("STRONGROOM_LOCK_DAY"), and second
 * names that count for nothing because the first is set, too ("DB_HOST"). */
void conf_environment_unused(struct strv *names);

#endif
