#include "queryd/audit.h"

#include "base/clock.h"
#include "meta/audit.h"
#include "queryd/metrics.h"
#include "queryd/route.h"

#include <string.h>

#define OBJECT_MAX 255 /* bytes: what the column takes whatever the characters */

/* The first variable segment of the path: an id in its one spelling, or a name as it was given; NULL when there is none. */
static char *object_of(const struct call *c)
{
	const char *given = c->parameters[0];
	char text[UUID_TEXT_SIZE];
	struct uuid id;

	if (!given || strlen(given) > OBJECT_MAX)
		return NULL;
	return mem_strdup(uuid_parse(&id, given) < 0 ? given : uuid_format(text, &id));
}

static int write_intent(struct call *c, const char *actor, const char *strength, const char *detail,
	const struct strv *mailboxes)
{
	int64_t now = clock_now_us();
	_free_ char *object = object_of(c);
	struct audit_intent intent = {
		.id = uuid_new(now),
		.at_us = now,
		.account_id = c->account.id,
		.actor = actor ? actor : c->account.username,
		.strength = strength,
		.action = c->route->action,
		.object = object,
		.detail = detail,
		.client = c->request->client,
		.request_id = c->request->id,
		.reason = c->request->reason,
		.case_ref = c->request->case_ref,
		.mailboxes = mailboxes,
	};
	struct err e;

	if (meta_audit_intent(c->service->meta, &intent, &e) < 0) {
		metric_add(&queryd_audit_failures, 0, 1);
		log_error(&c->log, "audit of %s: %s", intent.action, e.text);
		response_unavailable(&c->response, "The audit record can't be written; nothing is shown without it.");
		return -1;
	}
	c->audit_id = intent.id;
	c->audit_open = c->audited = true;
	return 0;
}

int audit_intent(struct call *c, const char *actor, const char *strength, const char *detail)
{
	return write_intent(c, actor, strength, detail, NULL);
}

int audit_intent_looking(struct call *c, const char *detail, const struct strv *mailboxes)
{
	return write_intent(c, NULL, c->session.strength, detail, mailboxes);
}

int audit_intent_signed_in(struct call *c, const char *detail)
{
	return audit_intent(c, NULL, c->session.strength, detail);
}

static const char *result_of(unsigned status)
{
	if (status < 400)
		return "allowed";
	if (status == 404)
		return "not found";
	return status < 500 ? "refused" : "failed";
}

static int write_outcome(struct call *c, const struct audit_outcome *o)
{
	struct err e;

	c->audit_open = false;
	if (meta_audit_outcome(c->service->meta, &c->audit_id, o, &e) < 0) {
		metric_add(&queryd_audit_failures, 0, 1);
		log_error(&c->log, "audit of %s: %s", c->route->action, e.text);
		return -1;
	}
	return 0;
}

static bool gives_out(const struct response *r)
{
	return r->status < 400 && (r->body || r->content || r->stream);
}

int audit_outcome(struct call *c)
{
	const struct response *r = &c->response;
	struct audit_outcome o = {
		.at_us = clock_now_us(),
		.result = result_of(r->status),
		.status = r->status,
		.count = r->count,
		.digest = gives_out(r) ? r->digest : NULL,
	};

	return c->audit_open ? write_outcome(c, &o) : 0;
}

void audit_cut_off(struct call *c, uint64_t given)
{
	struct audit_outcome o = { .at_us = clock_now_us(), .result = "failed", .status = c->response.status,
		.count = given };

	if (c->audit_open && write_outcome(c, &o) < 0)
		log_warn(&c->log, "the audit has no outcome of this request");
}
