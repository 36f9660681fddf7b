#include "archive/room.h"

/* Room is taken in steps of this; a message that tells no size gets one to begin with. */
#define STEP (UINT64_C(256) * 1024)

static bool take(struct room *r, uint64_t bytes)
{
	if (!archive_admit(r->archive, bytes))
		return false;
	r->taken += bytes;
	return true;
}

bool room_take(struct room *r, struct archive *a, uint64_t size)
{
	*r = (struct room){ .archive = a };
	return take(r, size ? size : STEP);
}

bool room_use(struct room *r, uint64_t n)
{
	while (r->taken - r->used < n)
		if (!take(r, STEP))
			return false;
	r->used += n;
	return true;
}

void room_give_back(struct room *r)
{
	if (r->taken)
		archive_release(r->archive, r->taken);
	r->taken = r->used = 0;
}
