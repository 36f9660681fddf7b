/* Legal holds: on the messages of a new one, off those of a lifted one that no other holds, and on what a standing query finds
 * among the newest messages. */
#include "archive/fact.h"
#include "archive/govern_turn.h"
#include "base/clock.h"
#include "base/log.h"
#include "index/index.h"
#include "meta/maintenance.h"

#include <inttypes.h>
#include <string.h>

#define HOLDS_AT_ONCE 100
#define OUTBOX_SLACK_US (60 * CLOCK_SECOND)	 /* an id is older than its place on the outbox */
#define INDEX_WAIT_US (24 * 3600 * CLOCK_SECOND) /* for a message that can't be indexed */

/* ---- one message ---- */

/* An object that can't be held is the reconciler's to tell: the database holds the message all the same. */
static int set_in_store(struct turn *t, const struct message_row *row, bool on, struct err *e)
{
	struct log_context ctx = { 0 };
	char id[UUID_TEXT_SIZE];

	if (store_hold(t->archive->store, &row->locator, on, e) == 0)
		return 0;
	if (e->class != ERR_PERMANENT)
		return -1;
	log_context_set(&ctx, "archive_id", uuid_format(id, &row->id));
	log_error(&ctx, "the legal hold of a message can't be set %s in the store: %s", on ? "on" : "off", e->text);
	return 0;
}

int govern_hold_one(struct turn *t, struct some *s, size_t i, const struct uuid *hold, const struct message_holds *under,
	struct err *e)
{
	if (message_holds_has(under, &s->ids[i], hold))
		return 0;
	if (set_in_store(t, &s->rows[i], true, e))
		return -1;
	s->placed.items = mem_realloc(s->placed.items, s->placed.n + 1, sizeof(*s->placed.items));
	s->placed.items[s->placed.n++] = (struct message_hold){ s->ids[i], *hold };
	return 0;
}

static bool is_within(const struct scope *scope, const struct message_row *row)
{
	return message_row_is_there(row) &&
		(!scope || scope_covers(scope, row->date_us, row->participants, row->participant_count));
}

/* Those of s that the scope covers (NULL: all) under one hold. */
static int hold_some(struct turn *t, struct some *s, const struct uuid *hold, const struct scope *scope, struct err *e)
{
	struct message_holds under;
	int failed = 0;

	if (s->n == 0)
		return 0;
	if (meta_message_holds(t->archive->meta, s->ids, s->n, &under, e))
		return -1;
	if (govern_load(t, s, e)) {
		free(under.items);
		return -1;
	}
	for (size_t i = 0; i < s->n && !failed; i++)
		if (is_within(scope, &s->rows[i]))
			failed = govern_hold_one(t, s, i, hold, &under, e);
	free(under.items);
	return failed;
}

/* ---- what came under a hold when it was captured ---- */

static bool is_in_force(const struct turn *t, const struct uuid *hold)
{
	const struct holdings *h = rules_holdings(t->rules);

	for (size_t i = 0; i < h->n; i++)
		if (memcmp(&h->items[i].id, hold, UUID_SIZE) == 0)
			return true;
	return false;
}

static int drop_work(struct turn *t, const struct message_hold *h, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;

	if (meta_lifecycle_begin(t->archive->meta, t->archive->daemon, &l, e) || meta_lifecycle_hold_done(l, h, e))
		return -1;
	return meta_lifecycle_commit(&l, e);
}

/* Those of hold_work, each with its hold. A hold that was lifted meanwhile is passed over, and so is a message that is not
 * there: its row is the ledger's to miss. */
static int do_work_some(struct turn *t, const struct message_holds *work, struct err *e)
{
	const struct message_holds none = { 0 };
	struct upkeep_walk w = { .name = "work", .began_us = t->now_us };
	CLEANUP(some_deinit) struct some s = { 0 };

	for (size_t i = 0; i < work->n; i++) {
		const struct message_hold *h = &work->items[i];

		int found = is_in_force(t, &h->hold) ? meta_message_load(t->archive->meta, &h->message, &s.rows[s.n], e) : 0;

		if (found < 0)
			return -1;
		if (!found) {
			if (drop_work(t, h, e))
				return -1;
			continue;
		}
		s.ids[s.n++] = h->message;
		if (govern_hold_one(t, &s, s.n - 1, &h->hold, &none, e))
			return -1;
	}
	return govern_keep(t, &s, &w, e);
}

static int do_work(struct turn *t, struct err *e)
{
	int failed = 0;
	size_t n;

	do {
		struct message_holds work;

		if (meta_hold_work(t->archive->meta, GOVERN_AT_ONCE, &work, e))
			return -1;
		n = work.n;
		if (n)
			failed = do_work_some(t, &work, e);
		free(work.items);
	} while (!failed && n == GOVERN_AT_ONCE && !atomic_load(t->stop));
	return failed;
}

/* ---- a new hold ---- */

struct placing {
	struct turn *turn;
	struct holding holding;
	struct upkeep_walk walk;
	struct index *index;
	bool last; /* page of a search */
};

static int list_messages_of(struct placing *p, struct some *s, struct err *e)
{
	return meta_hold_messages(p->turn->archive->meta, &p->holding.id, &p->walk.message_id, s->ids, GOVERN_AT_ONCE, &s->n, e);
}

/* Those in the scope of a mailbox's messages, from its place on. */
static int list_custodian(struct placing *p, struct some *s, struct err *e)
{
	const struct strv *mailboxes = scope_mailboxes(p->holding.scope);
	struct upkeep_walk *w = &p->walk;

	if (scope_is_all(p->holding.scope))
		return govern_list_all(p->turn, w, s, e);
	for (size_t i = 0; i < mailboxes->n && s->n == 0; i++) {
		int order = strcmp(mailboxes->items[i], w->mailbox);

		if (order < 0)
			continue;
		if (order > 0) {
			free(w->mailbox);
			w->mailbox = mem_strdup(mailboxes->items[i]);
			w->date_us = scope_from_us(p->holding.scope);
			w->message_id = (struct uuid){ 0 };
		}
		if (govern_list_mailbox(p->turn, w, s, e))
			return -1;
		while (s->n && s->dates[s->n - 1] >= scope_until_us(p->holding.scope))
			s->n--;
	}
	return 0;
}

/* A cursor of an index that was built anew meanwhile: the next turn begins at the first page. */
static void forget_page(struct placing *p)
{
	struct err unheard;

	p->walk.mailbox[0] = '\0';
	if (govern_keep(p->turn, NULL, &p->walk, &unheard))
		log_warn(NULL, "the place in a hold's search can't be kept: %s", unheard.text);
}

static int list_found(struct placing *p, struct some *s, struct err *e)
{
	struct index_request r = { .query = p->holding.query, .limit = GOVERN_AT_ONCE,
		.cursor = *p->walk.mailbox ? p->walk.mailbox : NULL };
	CLEANUP(index_page_deinit) struct index_page page = { 0 };

	if (p->last)
		return 0;
	if (!p->index && index_open(&p->index, p->turn->archive->conf, INDEX_READ, e))
		return -1;
	if (index_search(p->index, p->holding.scope, &r, &page, e)) {
		if (r.cursor && e->class == ERR_PERMANENT)
			forget_page(p);
		return -1;
	}
	for (size_t i = 0; i < page.n; i++)
		s->ids[s->n++] = page.hits[i].id;
	p->last = !page.next;
	free(p->walk.mailbox);
	p->walk.mailbox = mem_strdup(page.next ? page.next : "");
	return 0;
}

static int list_for(struct placing *p, struct some *s, struct err *e)
{
	switch (p->holding.kind) {
	case HOLD_MESSAGES:
		return list_messages_of(p, s, e);
	case HOLD_CUSTODIANS:
		return list_custodian(p, s, e);
	default:
		return list_found(p, s, e);
	}
}

static void placing_deinit(struct placing *p)
{
	holding_deinit(&p->holding);
	free(p->walk.mailbox);
	index_closep(&p->index);
}

static int place_some(struct placing *p, struct some *s, struct err *e)
{
	const struct scope *scope = p->holding.kind == HOLD_CUSTODIANS ? p->holding.scope : NULL;

	if (list_for(p, s, e))
		return -1;
	if (s->n && p->holding.kind != HOLD_QUERY) {
		p->walk.message_id = s->ids[s->n - 1];
		p->walk.date_us = s->dates[s->n - 1];
	}
	if (hold_some(p->turn, s, &p->holding.id, scope, e))
		return -1;
	if (s->n == 0)
		p->walk.finished_us = p->turn->now_us;
	return govern_keep(p->turn, s, &p->walk, e);
}

/* The place of the walk over a hold's messages; the caller frees its mailbox. */
static int begin_walk(struct turn *t, struct upkeep_walk *w, const char *name, struct err *e)
{
	*w = (struct upkeep_walk){ .name = name };
	if (meta_upkeep_walk(t->archive->meta, name, w, e) < 0)
		return -1;
	if (!w->mailbox)
		w->mailbox = mem_strdup("");
	if (!w->began_us)
		w->began_us = t->now_us;
	return 0;
}

static int place(struct turn *t, const struct hold *h, const char *name, struct err *e)
{
	CLEANUP(placing_deinit) struct placing p = { .turn = t };

	if (begin_walk(t, &p.walk, name, e))
		return -1;
	if (p.walk.finished_us)
		return 0;
	if (holding_read(h, &p.holding, e))
		return -1;
	while (!p.walk.finished_us && !atomic_load(t->stop)) {
		CLEANUP(some_deinit) struct some s = { 0 };

		if (place_some(&p, &s, e))
			return -1;
	}
	if (p.walk.finished_us)
		log_info(NULL, "the hold \"%s\" is on %" PRIu64 " messages", h->name, p.walk.changed);
	return 0;
}

/* ---- a lifted hold ---- */

static bool is_held_otherwise(const struct message_holds *under, const struct uuid *message, const struct uuid *hold)
{
	for (size_t i = 0; i < under->n; i++)
		if (memcmp(&under->items[i].message, message, UUID_SIZE) == 0 && memcmp(&under->items[i].hold, hold, UUID_SIZE) != 0)
			return true;
	return false;
}

static int take_off(struct turn *t, const struct some *s, const struct message_holds *under, const struct uuid *hold,
	struct err *e)
{
	for (size_t i = 0; i < s->n; i++)
		if (message_row_is_there(&s->rows[i]) && !is_held_otherwise(under, &s->ids[i], hold) &&
			set_in_store(t, &s->rows[i], false, e))
			return -1;
	return 0;
}

static int write_release(struct turn *t, struct meta_lifecycle *l, const struct message_hold *h, struct err *e)
{
	struct ledger_fact fact = { .archive_id = h->message, .kind = LEDGER_FACT_RELEASED, .at_us = t->now_us, .cause = h->hold };
	int added = meta_lifecycle_hold(l, h, HOLD_LIFTED, t->now_us, e);

	if (added > 0 && fact_add(l, t->archive->daemon, &fact, e))
		return -1;
	return added < 0 ? -1 : 0;
}

static int keep_release(struct turn *t, const struct some *s, const struct uuid *hold, struct upkeep_walk *w, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;

	if (meta_lifecycle_begin(t->archive->meta, t->archive->daemon, &l, e))
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		const struct message_hold h = { s->ids[i], *hold };

		if (write_release(t, l, &h, e))
			return -1;
	}
	w->looked += s->n;
	w->changed += s->n;
	return meta_lifecycle_walk(l, w, e) ? -1 : meta_lifecycle_commit(&l, e);
}

static int release_some(struct turn *t, const struct uuid *hold, struct upkeep_walk *w, struct some *s, struct err *e)
{
	struct message_holds under;

	if (meta_hold_members(t->archive->meta, hold, &w->message_id, s->ids, GOVERN_AT_ONCE, &s->n, e))
		return -1;
	if (s->n == 0) {
		w->finished_us = t->now_us;
		return keep_release(t, s, hold, w, e);
	}
	if (meta_message_holds(t->archive->meta, s->ids, s->n, &under, e))
		return -1;
	w->message_id = s->ids[s->n - 1];
	int failed = govern_load(t, s, e) || take_off(t, s, &under, hold, e) ||
		keep_release(t, s, hold, w, e);

	free(under.items);
	return failed ? -1 : 0;
}

static int release(struct turn *t, const struct hold *h, const char *name, struct err *e)
{
	struct upkeep_walk w;

	if (begin_walk(t, &w, name, e))
		return -1;
	bool done = w.finished_us != 0;
	int failed = 0;

	while (!failed && !w.finished_us && !atomic_load(t->stop)) {
		CLEANUP(some_deinit) struct some s = { 0 };

		failed = release_some(t, &h->id, &w, &s, e);
	}
	if (!done && w.finished_us)
		log_info(NULL, "the hold \"%s\" is off %" PRIu64 " messages", h->name, w.changed);
	free(w.mailbox);
	return failed;
}

/* ---- all holds ---- */

/* New ones before lifted ones: what is under both is never without. */
static int do_one(struct turn *t, const struct hold *h, enum hold_event event, struct err *e)
{
	char id[UUID_TEXT_SIZE];
	bool lifted = h->lifted.at_us != 0;

	if (lifted != (event == HOLD_LIFTED) || atomic_load(t->stop))
		return 0;
	_free_ char *name = mem_printf("%s%s", lifted ? UPKEEP_LIFT : UPKEEP_HOLD, uuid_format(id, &h->id));

	return lifted ? release(t, h, name, e) : place(t, h, name, e);
}

static int do_all(struct turn *t, enum hold_event event, struct err *e)
{
	struct uuid after = { 0 };
	int failed = 0;
	size_t n;

	do {
		CLEANUP(holds_deinit) struct holds list = { 0 };

		if (meta_hold_list(t->archive->meta, &after, HOLDS_AT_ONCE, &list, e))
			return -1;
		for (size_t i = 0; i < list.n && !failed; i++)
			failed = do_one(t, &list.items[i], event, e);
		n = list.n;
		if (n)
			after = list.items[n - 1].id;
	} while (!failed && n == HOLDS_AT_ONCE);
	return failed;
}

/* ---- standing queries ---- */

struct asking {
	struct turn *turn;
	struct index *index;
	int64_t until_us; /* messages archived before are in the index */
};

/* The least time of those that the index waits for: what is older is in it. One that can't be indexed is waited for a day. */
static int indexed_until(struct turn *t, int64_t *until_us_r, struct err *e)
{
	uint64_t waiting;
	int64_t oldest_us;

	if (meta_outbox_count(t->archive->meta, &waiting, &oldest_us, e))
		return -1;
	*until_us_r = t->settled_us;
	if (waiting && oldest_us - OUTBOX_SLACK_US < *until_us_r)
		*until_us_r = oldest_us - OUTBOX_SLACK_US;
	if (*until_us_r < t->now_us - INDEX_WAIT_US)
		*until_us_r = t->now_us - INDEX_WAIT_US;
	return 0;
}

/* "any of these", as a balanced tree in nodes; how many it took. */
static size_t any_of(struct query *nodes, const struct uuid *ids, size_t n)
{
	if (n == 1) {
		nodes[0] = (struct query){ .op = QUERY_ONE, .id = ids[0] };
		return 1;
	}
	size_t left = any_of(nodes + 1, ids, n / 2), right = any_of(nodes + 1 + left, ids + n / 2, n - n / 2);

	nodes[0] = (struct query){ .op = QUERY_OR, .left = nodes + 1, .right = nodes + 1 + left };
	return 1 + left + right;
}

/* Those of s that the hold's query finds come under it. */
static int ask(struct asking *a, struct some *s, const struct holding *h, const struct message_holds *under, struct err *e)
{
	struct query nodes[2 * GOVERN_AT_ONCE], both = { .op = QUERY_AND, .left = h->query, .right = nodes };
	struct index_request r = { .query = &both, .limit = GOVERN_AT_ONCE };
	CLEANUP(index_page_deinit) struct index_page page = { 0 };

	any_of(nodes, s->ids, s->n);
	if (index_search(a->index, h->scope, &r, &page, e))
		return -1;
	for (size_t k = 0; k < page.n; k++)
		for (size_t i = 0; i < s->n; i++)
			if (memcmp(&page.hits[k].id, &s->ids[i], UUID_SIZE) == 0 && message_row_is_there(&s->rows[i]) &&
				govern_hold_one(a->turn, s, i, &h->id, under, e))
				return -1;
	return 0;
}

static int ask_all(struct asking *a, struct some *s, struct err *e)
{
	const struct holdings *holdings = rules_holdings(a->turn->rules);
	struct message_holds under;
	int failed = 0;

	if (govern_load(a->turn, s, e) ||
		meta_message_holds(a->turn->archive->meta, s->ids, s->n, &under, e))
		return -1;
	for (size_t i = 0; i < holdings->n && !failed; i++)
		if (holdings->items[i].standing && holdings->items[i].kind == HOLD_QUERY)
			failed = ask(a, s, &holdings->items[i], &under, e);
	free(under.items);
	return failed;
}

static int ask_about_newest(struct asking *a, struct upkeep_walk *w, struct err *e)
{
	struct turn *t = a->turn;
	bool more = true;

	if (index_open(&a->index, t->archive->conf, INDEX_READ, e))
		return -1;
	while (more && !atomic_load(t->stop)) {
		CLEANUP(some_deinit) struct some s = { 0 };

		if (govern_list_before(t, w, a->until_us, &s, e))
			return -1;
		more = s.n > 0;
		if (!more)
			break;
		w->message_id = s.ids[s.n - 1];
		if (ask_all(a, &s, e) || govern_keep(t, &s, w, e))
			return -1;
	}
	return 0;
}

static bool has_standing_query(const struct holdings *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->items[i].standing && h->items[i].kind == HOLD_QUERY)
			return true;
	return false;
}

static int follow_queries(struct turn *t, struct err *e)
{
	struct asking a = { .turn = t };
	struct upkeep_walk w;

	if (indexed_until(t, &a.until_us, e) || govern_begin_newest(t, UPKEEP_QUERIES, &w, e))
		return -1;
	int failed = has_standing_query(rules_holdings(t->rules)) ? ask_about_newest(&a, &w, e) :
		govern_skip(t, &w, a.until_us, e);

	index_closep(&a.index);
	free(w.mailbox);
	return failed;
}

int govern_holds(struct turn *t, struct err *e)
{
	uint64_t version = rules_hold_version(t->rules);

	if (do_work(t, e))
		return -1;
	if (t->archive->holds_done != version + 1) {
		if (do_all(t, HOLD_PLACED, e) || do_all(t, HOLD_LIFTED, e))
			return -1;
		if (!atomic_load(t->stop))
			t->archive->holds_done = version + 1;
	}
	return follow_queries(t, e);
}
