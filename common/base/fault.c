#include "base/fault.h"

#ifdef STRONGROOM_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One passage counter serves: a test arms one counted fault at a time. */
static atomic_int passages;

static bool act(const char *action, size_t n)
{
	const char *at = memchr(action, '@', n);
	size_t verb = at ? (size_t)(at - action) : n;

	if (at && atomic_fetch_add(&passages, 1) + 1 != atoi(at + 1))
		return false;
	if (verb == 4 && memcmp(action, "kill", 4) == 0)
		kill(getpid(), SIGKILL);
	if (verb == 5 && memcmp(action, "stall", 5) == 0)
		sleep(30);
	return verb == 4 && memcmp(action, "fail", 4) == 0;
}

bool fault_hit(const char *name)
{
	const char *p = getenv("STRONGROOM_FAULT");
	size_t length = strlen(name);

	while (p && *p) {
		size_t n = strcspn(p, ",");

		if (n > length && p[length] == '=' && memcmp(p, name, length) == 0)
			return act(p + length + 1, n - length - 1);
		p += n + (p[n] == ',');
	}
	return false;
}

#else
typedef int fault_is_compiled_out; /* ISO C wants a declaration in every file */
#endif
