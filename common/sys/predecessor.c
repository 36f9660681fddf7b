#include "sys/predecessor.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>

#define PATIENCE_US (2 * CLOCK_SECOND)
#define PAUSE_MS 50

bool predecessor_may_go(int64_t *until_us)
{
	const int reason = errno;
	const int64_t now = clock_monotonic_us();

	if (*until_us == 0)
		*until_us = now + PATIENCE_US;
	if (now >= *until_us)
		return false;
	poll(NULL, 0, PAUSE_MS);
	errno = reason;
	return true;
}
