/* The audit of a disposition that is carried out: an intent when it begins, its outcome when all of it is gone. */
#include "archive/dispose_turn.h"
#include "base/clock.h"
#include "meta/account.h"
#include "meta/audit.h"

#include <string.h>

/* The same each time: of when it began, and random as the disposition's. */
static struct uuid intent_id(const struct disposal *p)
{
	struct uuid id = uuid_floor(p->began_us);

	memcpy(id.bytes + 9, p->disposition.bytes + 9, UUID_SIZE - 9);
	return id;
}

static int write_intent(struct dispose_turn *t, const struct disposition *d, const struct disposal *p, struct err *e)
{
	CLEANUP(account_deinit) struct account who = { 0 };
	_free_ char *detail = mem_printf("{\"scope\":%s}", d->scope);
	_free_ char *reason = mem_strdup(d->decided.reason);
	char object[UUID_TEXT_SIZE];

	if (meta_account_rights(t->archive->meta, d->decided.account_id, &who, e) < 0)
		return -1;
	if (strlen(reason) > AUDIT_REASON_MAX)
		reason[0] = '\0'; /* that of the approval is on record as a whole */
	const struct audit_intent intent = {
		.id = intent_id(p),
		.at_us = p->began_us,
		.account_id = d->decided.account_id,
		.actor = who.username,
		.strength = "service",
		.action = "disposition.carry-out",
		.object = uuid_format(object, &d->id),
		.detail = detail,
		.client = t->archive->daemon,
		.request_id = object,
		.reason = *reason ? reason : NULL,
	};

	return meta_audit_intent(t->archive->meta, &intent, e);
}

enum { INTENT, OUTCOME };

/* Is it on record? 1, 0, -1. */
static int is_said(struct dispose_turn *t, const struct uuid *id, int what, struct err *e)
{
	bool said[2];

	return meta_audit_known(t->archive->meta, id, &said[INTENT], &said[OUTCOME], e) ? -1 : said[what];
}

/* What could not be said may have been said in between, by another worker. */
static int settle(struct dispose_turn *t, const struct uuid *id, int what, int failed)
{
	struct err unused;

	return failed && is_said(t, id, what, &unused) <= 0 ? -1 : 0;
}

int dispose_audit_begin(struct dispose_turn *t, const struct disposition *d, const struct disposal *p, struct err *e)
{
	const struct uuid id = intent_id(p);
	int said = is_said(t, &id, INTENT, e);

	return said ? said < 0 ? -1 : 0 : settle(t, &id, INTENT, write_intent(t, d, p, e));
}

int dispose_audit_end(struct dispose_turn *t, const struct disposal *p, struct err *e)
{
	const struct audit_outcome o = { .at_us = clock_now_us(), .result = "allowed", .count = p->disposed };
	const struct uuid id = intent_id(p);
	int said = is_said(t, &id, OUTCOME, e);

	return said ? said < 0 ? -1 : 0 : settle(t, &id, OUTCOME, meta_audit_outcome(t->archive->meta, &id, &o, e));
}
