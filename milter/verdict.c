#include "milter/verdict.h"

static const struct verdict_reply replies[INTAKE_OUTCOMES] = {
	[INTAKE_OPEN] = { ACTION_CONTINUE, 0, 0, 0 },
	[INTAKE_ARCHIVED] = { ACTION_ACCEPT, 0, 0, 0 },
	[INTAKE_STOPPING] = { ACTION_TEMPFAIL, "451", "4.3.2", "The archive is stopping, try again later" },
	[INTAKE_NOT_READY] = { ACTION_TEMPFAIL, "451", "4.3.0", "The archive can't take mail now, try again later" },
	[INTAKE_BUSY] = { ACTION_TEMPFAIL, "451", "4.3.2", "Too much mail under way, try again later" },
	[INTAKE_NO_STORAGE] = { ACTION_TEMPFAIL, "451", "4.3.1", "No room to receive the message, try again later" },
	[INTAKE_FAILED] = { ACTION_TEMPFAIL, "451", "4.3.0", "Not archived, try again later" },
	[INTAKE_TOO_MANY_RECIPIENTS] = { ACTION_TEMPFAIL, "452", "4.5.3", "Too many recipients" },
	[INTAKE_TOO_LARGE] = { ACTION_REJECT, "552", "5.3.4", "Message too large for the archive" },
};

const struct verdict_reply *verdict_reply(enum intake_outcome outcome)
{
	return &replies[outcome];
}
