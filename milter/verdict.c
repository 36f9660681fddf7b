#include "milter/verdict.h"

static const struct verdict_reply replies[VERDICT_COUNT] = {
	[VERDICT_CONTINUE] = { ACTION_CONTINUE, 0, 0, 0 },
	[VERDICT_ARCHIVED] = { ACTION_ACCEPT, 0, 0, 0 },
	[VERDICT_STOPPING] = { ACTION_TEMPFAIL, "451", "4.3.2", "The archive is stopping, try again later" },
	[VERDICT_NOT_READY] = { ACTION_TEMPFAIL, "451", "4.3.0", "The archive can't take mail now, try again later" },
	[VERDICT_BUSY] = { ACTION_TEMPFAIL, "451", "4.3.2", "Too much mail under way, try again later" },
	[VERDICT_NO_STORAGE] = { ACTION_TEMPFAIL, "451", "4.3.1", "No room to receive the message, try again later" },
	[VERDICT_FAILED] = { ACTION_TEMPFAIL, "451", "4.3.0", "Not archived, try again later" },
	[VERDICT_TOO_MANY_RECIPIENTS] = { ACTION_TEMPFAIL, "452", "4.5.3", "Too many recipients" },
	[VERDICT_TOO_LARGE] = { ACTION_REJECT, "552", "5.3.4", "Message too large for the archive" },
	[VERDICT_REFUSED] = { ACTION_REJECT, "554", "5.6.0", "This message can't be archived" },
};

const struct verdict_reply *verdict_reply(enum verdict v)
{
	return &replies[v];
}
