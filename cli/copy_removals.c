#include "base/clock.h"
#include "cli/copy.h"
#include "meta/copy.h"
#include "meta/disposed.h"

#include <string.h>

#define AT_ONCE 256

/* Those whose objects are not known to be gone from the target's store. */
static int look_for(struct copy *c, const struct disposed *list, size_t n, struct err *e)
{
	struct disposed there[AT_ONCE], gone[AT_ONCE];
	size_t there_count = 0, gone_count = 0;

	for (size_t i = 0; i < n; i++) {
		CLEANUP(locator_deinit) struct locator where = { 0 };
		int found = list[i].removed_us ? 1 : store_remains(c->to.store, &list[i].id, &where, e);

		if (found < 0)
			return -1;
		if (!found)
			gone[gone_count++] = list[i];
		else if (!list[i].removed_us)
			there[there_count++] = list[i];
	}
	return meta_copy_removals(c->to.meta, gone, gone_count, there, there_count, clock_now_us(), e);
}

int copy_removals(struct copy *c, struct err *e)
{
	struct disposed list[AT_ONCE];
	struct uuid after = { 0 }, end;
	size_t n;

	memset(&end, 0xff, sizeof(end));
	do {
		if (meta_disposed_list(c->to.meta, &after, &end, list, AT_ONCE, &n, e) || look_for(c, list, n, e))
			return -1;
		if (n)
			after = list[n - 1].id;
	} while (n && !progress_stopped());
	return 0;
}
