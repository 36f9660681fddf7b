#include "archive/policy.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <string.h>
#include <sys/timex.h>

#define DAY_US (86400 * CLOCK_SECOND)
#define POLICY_DAYS_MAX 36500

enum { CLOCK_UNSYNCHRONISED = 0, CLOCK_SYNCHRONISED = 1, CLOCK_STATE_UNKNOWN = 2 };

static uint64_t lock_days(const struct conf *conf)
{
	return conf->lock_days < conf->lock_days_max ? conf->lock_days : conf->lock_days_max;
}

int64_t policy_retain_until(const struct conf *conf, int64_t received_us)
{
	return received_us + (int64_t)lock_days(conf) * DAY_US;
}

char *policy_version(const struct conf *conf)
{
	return mem_printf("lock_days=%" PRIu64, lock_days(conf));
}

int policy_promised(const char *version, int64_t received_us, int64_t *until_us_r)
{
	static const char prefix[] = "lock_days=";
	uint64_t days;

	if (strncmp(version, prefix, strlen(prefix)) != 0 ||
		str_parse_u64(&days, version + strlen(prefix), POLICY_DAYS_MAX) < 0)
		return -1;
	*until_us_r = received_us + (int64_t)days * DAY_US;
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
