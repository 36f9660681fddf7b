/* setaside: messages whose bytes can't be read, so that the outbox does not try them, and say so, at every turn. In
 * memory only; one thread at a time. */
#ifndef ARCHIVE_SETASIDE_H
#define ARCHIVE_SETASIDE_H

#include "base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

#define SETASIDE_MAX 10000

struct setaside {
	struct {
		struct uuid id;
		int64_t until_us; /* monotonic */
	} *items;
	size_t n;
};

/* Is it to be left alone now? */
bool setaside_has(const struct setaside *s, const struct uuid *id, int64_t now_us);

/* Leaves it alone until then. false when there are SETASIDE_MAX of them already. */
bool setaside_add(struct setaside *s, const struct uuid *id, int64_t until_us);

void setaside_deinit(struct setaside *s);

#endif
