/* locator: where the bytes of a message are in the store. What the store wrote, meta keeps and readers hand back.
 * bucket and version are "" where a store has none; offset is 0 until objects hold several messages. */
#ifndef MAIL_LOCATOR_H
#define MAIL_LOCATOR_H

#include "base/mem.h"

#include <stdint.h>

struct locator {
	char *bucket;
	char *key;
	char *version;
	uint64_t offset;
	uint64_t length;
};

static inline void locator_deinit(struct locator *l)
{
	free(l->bucket);
	free(l->key);
	free(l->version);
	*l = (struct locator){ 0 };
}

#endif
