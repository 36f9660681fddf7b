#include "archive/policy.h"

#include "base/str.h"

#include <string.h>
#include <sys/timex.h>

#define POLICY_DAYS_MAX 36500

enum { CLOCK_UNSYNCHRONISED = 0, CLOCK_SYNCHRONISED = 1, CLOCK_STATE_UNKNOWN = 2 };

uint64_t policy_days(const struct conf *conf, uint64_t days)
{
	uint64_t least = conf->lock_days < days ? days : conf->lock_days;

	return least < conf->lock_days_max ? least : conf->lock_days_max;
}

int policy_promised(const char *version, int64_t received_us, int64_t *until_us_r)
{
	static const char prefix[] = "lock_days=";
	uint64_t days;

	if (strncmp(version, prefix, strlen(prefix)) != 0)
		return -1;
	version += strlen(prefix);
	_free_ char *number = mem_dup(version, strcspn(version, " "));

	if (str_parse_u64(&days, number, POLICY_DAYS_MAX) < 0)
		return -1;
	*until_us_r = received_us + (int64_t)days * POLICY_DAY_US;
	return 0;
}

uint8_t policy_clock_state(void)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);

	if (state < 0)
		return CLOCK_STATE_UNKNOWN;
	return state == TIME_ERROR ? CLOCK_UNSYNCHRONISED : CLOCK_SYNCHRONISED;
}
