/* policy: for how long a message is locked, and what is recorded about it. */
#ifndef ARCHIVE_POLICY_H
#define ARCHIVE_POLICY_H

#include "conf/conf.h"

/* received_us and lock_days later, never more than lock_days_max days. */
int64_t policy_retain_until(const struct conf *conf, int64_t received_us);

/* What a record says about the rule that gave its retain-until: "lock_days=2557". Caller frees. */
char *policy_version(const struct conf *conf);

/* What a policy version promised: until when a message received then is kept at least. -1 when it is none of this
 * program's. */
int policy_promised(const char *version, int64_t received_us, int64_t *until_us_r) MUST_CHECK;

/* The record's clock_state: 1 the kernel says that the clock is synchronised, 0 that it is not, 2 it can't say. */
uint8_t policy_clock_state(void);

#endif
