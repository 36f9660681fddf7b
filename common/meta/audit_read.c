#include "meta/audit_read.h"

#include "base/clock.h"
#include "base/hex.h"
#include "meta/meta_private.h"

#include <string.h>

#define WINDOW 200 /* entries that one statement gives */

void audit_event_deinit(struct audit_event *event)
{
	char *const texts[] = { event->actor, event->strength, event->action, event->object, event->detail, event->client,
		event->request_id, event->reason, event->case_ref, event->result };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	*event = (struct audit_event){ 0 };
}

void audit_page_deinit(struct audit_page *p)
{
	for (size_t i = 0; i < p->n; i++)
		audit_event_deinit(&p->events[i]);
	free(p->events);
	*p = (struct audit_page){ 0 };
}

/* ---- one row ---- */

static void take_digest(struct sql_stmt *st, struct audit_event *event)
{
	size_t n;
	const void *digest = sql_get_bytes(st, &n);

	event->has_digest = n == SHA256_SIZE;
	if (event->has_digest)
		memcpy(event->digest, digest, SHA256_SIZE);
}

/* The columns of AUDIT_EVENT in meta/statements_audit.c. */
static void take_event(struct sql_stmt *st, struct audit_event *event)
{
	sql_get_uuid(st, &event->id);
	event->at_us = sql_get_i64(st);
	event->account_id = sql_get_u64(st);
	event->actor = sql_get_text(st);
	event->strength = sql_get_text(st);
	event->action = sql_get_text(st);
	event->object = sql_get_text(st);
	event->detail = sql_get_text(st);
	event->client = sql_get_text(st);
	event->request_id = sql_get_text(st);
	event->reason = sql_get_text(st);
	event->case_ref = sql_get_text(st);
	event->before = sql_get_u64(st) != 0;
	event->finished = !sql_get_null(st);
	event->finished_us = sql_get_i64(st);
	event->result = sql_get_text(st);
	event->status = sql_get_u64(st);
	event->count = sql_get_u64(st);
	take_digest(st, event);
	_free_ char *mailbox = sql_get_text(st);

	event->all_mailboxes = strcmp(mailbox, "*") == 0;
}

/* ---- filters ---- */

static bool is_wanted(const char *wanted, const char *value)
{
	return !wanted || strcmp(wanted, value) == 0;
}

/* "read" is also for "read.content". */
static bool is_action(const char *wanted, const char *value)
{
	size_t n = wanted ? strlen(wanted) : 0;

	return !wanted || (strncmp(wanted, value, n) == 0 && (!value[n] || value[n] == '.'));
}

static bool matches(const struct audit_filter *f, const struct audit_event *event)
{
	return is_wanted(f->actor, event->actor) && is_wanted(f->object, event->object) &&
		is_wanted(f->case_ref, event->case_ref) && is_wanted(f->client, event->client) &&
		is_wanted(f->request_id, event->request_id) && is_action(f->action, event->action) &&
		is_wanted(f->result, event->finished ? event->result : "none") &&
		(!f->from_us || event->at_us >= f->from_us) && (!f->until_us || event->at_us < f->until_us);
}

/* ---- pages ---- */

/* The statement that goes by an index of what is asked for, with that bound. The mailbox is in no other. */
static struct sql_stmt *statement_for(struct sql_conn *c, const struct audit_filter *f)
{
	const struct {
		const char *value;
		enum statement list;
	} indexes[] = {
		{ f->mailbox, STMT_AUDIT_LIST_MAILBOX },
		{ f->object, STMT_AUDIT_LIST_OBJECT },
		{ f->case_ref, STMT_AUDIT_LIST_CASE },
		{ f->actor, STMT_AUDIT_LIST_ACTOR },
	};

	for (size_t i = 0; i < ARRAY_LEN(indexes); i++)
		if (indexes[i].value) {
			struct sql_stmt *st = sql_use(c, indexes[i].list);

			sql_bind_text(st, indexes[i].value);
			return st;
		}
	return sql_use(c, STMT_AUDIT_LIST);
}

struct walk {
	const struct audit_filter *f;
	size_t limit;
	struct uuid before, from; /* ids below the one, from the other on */
	struct audit_page *page;
};

/* The next entries that lie behind. 1: there may be more; 0: this was the end; -1. */
static int take_window(struct sql_conn *c, struct walk *w, size_t *looked_at, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = statement_for(c, w->f);
	struct audit_page *p = w->page;
	enum sql_result step = SQL_DONE;
	size_t n = 0;

	sql_bind_uuid(st, &w->before);
	sql_bind_uuid(st, &w->from);
	sql_bind_u64(st, WINDOW);
	while (p->n < w->limit && (step = sql_step(st, e)) == SQL_ROW) {
		struct audit_event event = { 0 };

		take_event(st, &event);
		w->before = p->last = event.id;
		n++;
		if (matches(w->f, &event))
			p->events[p->n++] = event;
		else
			audit_event_deinit(&event);
	}
	*looked_at += n;
	if (step == SQL_FAILED)
		return -1;
	return p->n == w->limit || n == WINDOW;
}

/* An id holds the time of its making to the millisecond, and may be a little ahead of the time that is on record: the range
 * is cut by the ids, and to the point by the times. */
static void set_range(struct walk *w, const struct uuid *behind)
{
	static const struct uuid none;
	bool first = memcmp(behind, &none, sizeof(none)) == 0;

	memset(&w->before, 0xff, sizeof(w->before));
	if (!first)
		w->before = *behind;
	else if (w->f->until_us)
		w->before = uuid_floor(w->f->until_us + 10 * CLOCK_SECOND);
	if (w->f->from_us)
		w->from = uuid_floor(w->f->from_us);
}

int meta_audit_list(struct meta *m, const struct audit_filter *f, const struct uuid *behind, size_t limit,
	struct audit_page *page_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct walk w = { .f = f, .limit = limit, .page = page_r };
	size_t looked_at = 0;
	int more = 1;

	*page_r = (struct audit_page){ .events = MEM_ARRAY(struct audit_event, limit) };
	set_range(&w, behind);
	if (sql_reader(m->control, &c, e))
		more = -1;
	while (more > 0 && page_r->n < limit && looked_at < AUDIT_SCAN_MAX)
		more = take_window(c, &w, &looked_at, e);
	page_r->more = more > 0;
	if (more < 0)
		audit_page_deinit(page_r);
	return more < 0 ? -1 : 0;
}

int meta_audit_get(struct meta *m, const struct uuid *id, struct audit_event *event_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	*event_r = (struct audit_event){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_AUDIT_GET);
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found > 0)
		take_event(st, event_r);
	return found;
}

/* ---- as JSON ---- */

static void add_text(cJSON *j, const char *key, const char *value)
{
	json_add_str(j, key, *value ? value : NULL);
}

static void add_time(cJSON *j, const char *key, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	json_add_str(j, key, clock_format(text, us));
}

/* What was asked for is JSON already; what is not stays text. */
static void add_detail(cJSON *j, const char *detail)
{
	struct err e;
	cJSON *parsed = *detail ? json_parse(detail, strlen(detail), &e) : NULL;

	if (parsed)
		json_add_item(j, "detail", parsed);
	else
		add_text(j, "detail", detail);
}

static cJSON *outcome_json(const struct audit_event *event)
{
	cJSON *j = cJSON_CreateObject();
	char digest[SHA256_TEXT_SIZE];

	if (event->has_digest)
		hex_encode(digest, event->digest, SHA256_SIZE);
	add_time(j, "at", event->finished_us);
	json_add_str(j, "result", event->result);
	json_add_u64(j, "status", event->status);
	json_add_u64(j, "count", event->count);
	json_add_str(j, "sha256", event->has_digest ? digest : NULL);
	return j;
}

cJSON *audit_event_json(const struct audit_event *event)
{
	cJSON *j = cJSON_CreateObject();
	char id[UUID_TEXT_SIZE];

	json_add_str(j, "id", uuid_format(id, &event->id));
	add_time(j, "at", event->at_us);
	json_add_u64(j, "account_id", event->account_id);
	add_text(j, "actor", event->actor);
	json_add_str(j, "strength", event->strength);
	json_add_str(j, "action", event->action);
	add_text(j, "object", event->object);
	add_text(j, "reason", event->reason);
	add_text(j, "case", event->case_ref);
	add_detail(j, event->detail);
	json_add_str(j, "client", event->client);
	json_add_str(j, "request_id", event->request_id);
	json_add_bool(j, "in_ledger", !event->before);
	json_add_item(j, "outcome", event->finished ? outcome_json(event) : cJSON_CreateNull());
	return j;
}
