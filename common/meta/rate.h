/* rate: counting tries in windows of time, durably enough: a crash may forget some. What a cache (cache/cache.h) does where
 * there is one. */
#ifndef META_RATE_H
#define META_RATE_H

#include "meta/meta.h"

/* Counts `by` more under this name in the present window, and tells how many they are by now. Windows begin at multiples of
 * their length. Atomic over all processes. */
int meta_rate_count(struct meta *m, const char *name, int64_t now_us, int64_t window_us, uint64_t by, uint64_t *n_r,
	struct err *e) MUST_CHECK;

#endif
