#include "queryd/list_seen.h"

#include "queryd/access.h"
#include "queryd/audit.h"

bool list_seen_room(struct list_seen *l, const struct uuid *id)
{
	l->more = l->n == l->limit;
	if (l->more)
		return false;
	l->last = *id;
	l->n++;
	return true;
}

static int fill(struct call *c, struct list_seen *l, struct uuid after, list_seen_some *some, struct err *e)
{
	ssize_t n = LIST_SEEN_AT_ONCE;

	while (n == LIST_SEEN_AT_ONCE && !l->more)
		n = some(c, l, &after, e);
	return n < 0 ? -1 : 0;
}

void list_seen_answer(struct call *c, list_seen_some *some)
{
	CLEANUP(list_deinit) struct list asked = { 0 };
	char next[UUID_TEXT_SIZE];
	struct uuid after;
	struct err e;

	if (list_read(c, &asked) < 0 || list_after_uuid(c, &asked, &after) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	struct list_seen l = { .items = cJSON_CreateArray(), .limit = asked.limit };

	if (fill(c, &l, after, some, &e) < 0) {
		cJSON_Delete(l.items);
		access_failed(c, &e);
	} else {
		list_answer(c, l.items, l.more ? uuid_format(next, &l.last) : NULL);
	}
}
