/* room: what one message on its way in takes of conf->inflight_max, growing as it does. Belongs to one thread. */
#ifndef ARCHIVE_ROOM_H
#define ARCHIVE_ROOM_H

#include "archive/archive.h"

struct room {
	struct archive *archive; /* NULL: nothing was taken */
	uint64_t taken;
	uint64_t used; /* of that, by envelope and bytes */
};

/* Takes room for a message of this size, 0 when that is not known yet. false: there is none, nothing was taken. */
bool room_take(struct room *r, struct archive *a, uint64_t size) MUST_CHECK;

/* Accounts for n more bytes, taking more room where that is needed. false: there is none. */
bool room_use(struct room *r, uint64_t n) MUST_CHECK;

/* Gives everything back; harmless when nothing was taken. */
void room_give_back(struct room *r);

#endif
