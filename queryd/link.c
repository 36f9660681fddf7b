#include "queryd/link.h"

#include "base/clock.h"
#include "queryd/audit.h"
#include "queryd/auth.h"
#include "queryd/authz.h"
#include "queryd/present.h"
#include "queryd/ticket.h"

#define PARAMETER "ticket"
#define STRENGTH "link"

const char *const link_parameters[] = { PARAMETER, NULL };

cJSON *link_give(const struct call *c, const char *path, const char *purpose)
{
	const struct ticket t = { c->account.id, c->session.id, clock_now_us() + TICKET_US };
	char text[TICKET_TEXT_SIZE];

	if (c->program)
		return cJSON_CreateNull();
	_free_ char *url = mem_printf("%s?" PARAMETER "=%s", path, ticket_format(text, c->service->seal, purpose, &t));
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "url", url);
	present_time(j, "expires_at", t.until_us);
	return j;
}

int link_admit(struct call *c, const char *purpose, const char *permission)
{
	const char *text = request_parameter(c->request, PARAMETER);
	struct ticket t;
	int lives = text && ticket_parse(&t, c->service->seal, purpose, text, clock_now_us()) == 0;

	if (lives)
		lives = auth_by_session(c, t.account_id, &t.session_id);
	if (lives < 0)
		return -1;
	if (lives) {
		free(c->session.strength);
		c->session.strength = mem_strdup(STRENGTH);
		if (authz_may(&c->account, permission))
			return 0;
	}
	if ((lives ? audit_intent_signed_in(c, NULL) : audit_intent(c, NULL, "none", NULL)) == 0)
		response_problem(&c->response, 403, "This link is not valid, or no longer. Ask for another one where it came from.");
	return -1;
}
