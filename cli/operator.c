#include "cli/operator.h"

#include "base/clock.h"
#include "sys/json.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static uid_t caller;

void operator_begin(void)
{
	caller = getuid();
}

/* The account of this machine that gave the command: with sudo the one that called it. Who is not root may claim
 * anything in the environment. */
static char *operator_name(void)
{
	const char *sudo = caller == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *p = getpwuid(caller);

	if (sudo && *sudo)
		return mem_strdup(sudo);
	return p ? mem_strdup(p->pw_name) : mem_printf("uid %u", (unsigned)caller);
}

int operator_intent(struct meta *m, const char *action, const cJSON *detail, struct uuid *id_r, struct err *e)
{
	_free_ char *text = json_print(detail), *name = operator_name();
	int64_t now = clock_now_us();

	*id_r = uuid_new(now);
	const struct audit_intent intent = {
		.id = *id_r,
		.at_us = now,
		.actor = name,
		.strength = "operator",
		.action = action,
		.detail = text,
		.client = "local",
		.request_id = "",
	};

	return meta_audit_intent(m, &intent, e);
}

int operator_outcome(struct meta *m, const struct uuid *id, int rc, struct err *e)
{
	const struct audit_outcome outcome = { .at_us = clock_now_us(), .result = rc < 0 ? "failed" : "allowed" };

	return meta_audit_outcome(m, id, &outcome, e);
}
