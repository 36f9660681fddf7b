/* policy: for how long a message is locked, and what is recorded about it. */
#ifndef ARCHIVE_POLICY_H
#define ARCHIVE_POLICY_H

#include "conf/conf.h"

#define POLICY_DAY_US (86400 * INT64_C(1000000))

/* For how many days a message is kept that a rule keeps for so many: never less than lock_days, nor more than
 * lock_days_max. */
uint64_t policy_days(const struct conf *conf, uint64_t days);

/* What a record says about the rule that gave its retain-until is "lock_days=2557", and behind it which policy of the
 * database it was, if any (archive/rules.h). What that promised: until when a message received
 * then is kept at least. -1 when it is none of this program's. */
int policy_promised(const char *version, int64_t received_us, int64_t *until_us_r) MUST_CHECK;

/* The record's clock_state: 1 the kernel says that the clock is synchronised, 0 that it is not, 2 it can't say. */
uint8_t policy_clock_state(void);

#endif
