#include "archive/dispose.h"

#include "archive/dispose_turn.h"
#include "archive/fact.h"
#include "archive/govern.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "mail/scope_grant.h"
#include "meta/keep_gate.h"
#include "meta/lifecycle.h"

#include <inttypes.h>
#include <string.h>

#define LISTED_AT_ONCE 100

/* One disposition. */
struct carrying {
	struct dispose_turn *turn;
	const struct disposition *disposition;
	struct scope *scope;
	int64_t until_us; /* nothing that is kept beyond */
	struct disposal progress;
};

/* ---- messages ---- */

/* Of some that were looked at together. */
struct chunk {
	const struct uuid *ids;
	enum dispose_fate fates[DISPOSE_AT_ONCE];
	size_t n;
	struct uuid at; /* the place behind them */
	bool last;
};

static int write_disposed(struct carrying *c, struct meta_lifecycle *l, const struct uuid *id, struct err *e)
{
	const struct disposing by = { c->disposition->id, c->until_us, c->turn->now_us };
	struct ledger_fact fact = { .archive_id = *id, .kind = LEDGER_FACT_DISPOSED, .at_us = by.now_us, .cause = by.disposition };
	int added = meta_lifecycle_dispose(l, id, &by, e);

	return added > 0 && fact_add(l, c->turn->archive->daemon, &fact, e) ? -1 : added;
}

/* The decisions about them, counted. */
static int write_fates(struct carrying *c, struct meta_lifecycle *l, const struct chunk *k, struct disposal *p, struct err *e)
{
	for (size_t i = 0; i < k->n; i++) {
		int added = k->fates[i] == DISPOSE_GO ? write_disposed(c, l, &k->ids[i], e) : 0;

		if (added < 0)
			return -1;
		p->looked += k->fates[i] != DISPOSE_NOT_OURS;
		p->disposed += added > 0;
		p->held += k->fates[i] == DISPOSE_HELD;
		p->kept += k->fates[i] == DISPOSE_KEPT || (k->fates[i] == DISPOSE_GO && !added); /* the database knows better */
	}
	return 0;
}

/* 1; 0 when somebody keeps something longer by now, or another worker goes on with it; -1. */
static int write_chunk(struct carrying *c, const struct chunk *k, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;
	struct archive *a = c->turn->archive;
	struct disposal p = c->progress;

	if (meta_lifecycle_begin(a->meta, a->daemon, &l, e))
		return -1;
	int same = meta_lifecycle_gate(l, c->turn->generation, e);

	if (same > 0)
		same = meta_lifecycle_disposal_is(l, &c->progress, e);
	if (same <= 0)
		return same;
	p.at = k->at;
	p.walked_us = k->last ? c->turn->now_us : 0;
	if (write_fates(c, l, k, &p, e) || meta_lifecycle_disposal(l, &p, e) || FAULT("dispose-decide") || meta_lifecycle_commit(&l, e))
		return -1;
	c->progress = p;
	return FAULT("dispose-decided") ? -1 : 1;
}

/* Cuts the chunk off before the first that is to wait. */
static bool waits(struct chunk *k)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->fates[i] != DISPOSE_LATER)
			continue;
		k->n = i;
		k->last = false;
		if (i)
			k->at = k->ids[i - 1];
		return true;
	}
	return false;
}

/* As write_chunk(). */
static int do_chunk(struct carrying *c, struct chunk *k, struct err *e)
{
	if (dispose_judge(c->turn, c->scope, c->until_us, k->ids, k->n, k->fates, e))
		return -1;
	c->turn->now_us = clock_now_us();
	bool waiting = waits(k);
	int rc = waiting && k->n == 0 ? 0 : write_chunk(c, k, e);

	return rc > 0 && waiting ? 0 : rc;
}

/* The next page, in chunks, each of which is removed from the store before the next is decided. As write_chunk(). */
static int do_page(struct carrying *c, const struct expired_messages *page, struct err *e)
{
	_free_ struct uuid *ids = MEM_ARRAY(struct uuid, EXPIRED_AT_ONCE);
	size_t from = 0;
	int rc;

	for (size_t i = 0; i < page->n; i++)
		ids[i] = page->items[i].id;
	do {
		struct chunk k = { .ids = ids + from, .n = page->n - from < DISPOSE_AT_ONCE ? page->n - from : DISPOSE_AT_ONCE };
		bool end = from + k.n == page->n;

		k.at = end ? page->looked : k.ids[k.n - 1];
		k.last = end && page->end;
		from += k.n;
		rc = do_chunk(c, &k, e);
		if (rc > 0)
			rc = dispose_remove_due(c->turn, e);
	} while (rc > 0 && from < page->n);
	return rc;
}

/* ---- one disposition ---- */

/* Two workers may begin it at once: one has. */
static int keep_begun(struct carrying *c, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;
	struct archive *a = c->turn->archive;

	c->progress.began_us = c->turn->now_us;
	if (meta_lifecycle_begin(a->meta, a->daemon, &l, e) || meta_lifecycle_disposal_begin(l, &c->progress, e) < 0)
		return -1;
	return meta_lifecycle_commit(&l, e);
}

/* It is on record before the first message is decided on. */
static int begin(struct carrying *c, struct err *e)
{
	int found = meta_disposal_get(c->turn->archive->meta, &c->disposition->id, &c->progress, e);

	if (found < 0 || (!found && keep_begun(c, e)))
		return -1;
	if (c->progress.walked_us)
		return 0;
	return FAULT("dispose-begin") || dispose_audit_begin(c->turn, c->disposition, &c->progress, e) ? -1 : 0;
}

/* 1; 0 when another worker has; -1. */
static int keep_finished(struct carrying *c, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;
	struct archive *a = c->turn->archive;

	if (meta_lifecycle_begin(a->meta, a->daemon, &l, e))
		return -1;
	int finished = meta_lifecycle_disposal_finish(l, &c->disposition->id, clock_now_us(), e);

	return finished < 0 || meta_lifecycle_commit(&l, e) ? -1 : finished;
}

/* It is through when nothing of it is in the store any more. */
static int finish(struct carrying *c, struct err *e)
{
	struct disposal *p = &c->progress;
	uint64_t waiting, refused;

	if (meta_disposal_waiting(c->turn->archive->meta, &p->disposition, &waiting, &refused, e))
		return -1;
	if (waiting)
		return 0;
	if (dispose_audit_end(c->turn, p, e) || FAULT("dispose-end"))
		return -1;
	int finished = keep_finished(c, e);

	if (finished > 0)
		log_info(NULL, "a disposition is carried out: %" PRIu64 " messages removed, %" PRIu64 " held, %" PRIu64 " kept longer",
			p->disposed, p->held, p->kept);
	return finished < 0 ? -1 : 0;
}

/* 1 when all of it was decided on, 0 when something is left, -1. */
static int carry_out(struct carrying *c, struct err *e)
{
	_free_ struct expired_messages *page = MEM_NEW(struct expired_messages);
	int rc = 1;

	if (begin(c, e))
		return -1;
	if (c->progress.finished_us)
		return 1;
	while (rc > 0 && !c->progress.walked_us && !atomic_load(c->turn->stop)) {
		if (meta_expired_walk(c->turn->archive->meta, &c->progress.at, c->until_us, page, e))
			return -1;
		rc = do_page(c, page, e);
	}
	if (rc < 0 || !c->progress.walked_us)
		return rc < 0 ? -1 : 0;
	return finish(c, e) ? -1 : 1; /* what is left in the store says itself when it is due */
}

static int carry_out_one(struct dispose_turn *t, const struct disposition *d, struct err *e)
{
	struct carrying c = { .turn = t, .disposition = d, .until_us = d->expired_by_us < t->now_us ? d->expired_by_us : t->now_us };

	c.scope = scope_parse(d->scope, e);
	int rc = c.scope ? carry_out(&c, e) : -1;

	scope_freep(&c.scope);
	return rc;
}

/* All that are approved: 1 when all of all was decided on, 0, -1. One that fails keeps the others waiting. */
static int carry_out_all(struct dispose_turn *t, struct err *e)
{
	struct uuid after = { 0 };
	int through = 1;
	size_t n;

	do {
		CLEANUP(dispositions_deinit) struct dispositions list = { 0 };

		if (meta_disposition_list(t->archive->meta, &after, LISTED_AT_ONCE, &list, e))
			return -1;
		for (size_t i = 0; i < list.n; i++) {
			int rc = list.items[i].approved ? carry_out_one(t, &list.items[i], e) : 1;

			if (rc < 0)
				return -1;
			through &= rc;
		}
		n = list.n;
		if (n)
			after = list.items[n - 1].id;
	} while (n == LISTED_AT_ONCE && !atomic_load(t->stop));
	return through && !atomic_load(t->stop);
}

/* ---- a turn ---- */

/* Is every hold on its messages by now? 1, 0, -1. */
static int holds_are_settled(struct dispose_turn *t, struct err *e)
{
	const struct holdings *h = rules_holdings(t->rules);
	char id[UUID_TEXT_SIZE];

	for (size_t i = 0; i < h->n; i++) {
		_free_ char *name = mem_printf("%s%s", UPKEEP_HOLD, uuid_format(id, &h->items[i].id));
		struct upkeep_walk w = { .name = name };
		int found = meta_upkeep_walk(t->archive->meta, name, &w, e);

		free(w.mailbox);
		if (found <= 0 || !w.finished_us)
			return found < 0 ? -1 : 0;
		t->standing_queries |= h->items[i].standing && h->items[i].kind == HOLD_QUERY;
	}
	return 1;
}

static int read_queried(struct dispose_turn *t, struct err *e)
{
	struct upkeep_walk w = { .name = UPKEEP_QUERIES };
	int found = t->standing_queries ? meta_upkeep_walk(t->archive->meta, UPKEEP_QUERIES, &w, e) : 0;

	t->queried = w.message_id;
	free(w.mailbox);
	return found < 0 ? -1 : 0;
}

/* As carry_out_all(). */
static int take_turn(struct dispose_turn *t, struct err *e)
{
	int rc = holds_are_settled(t, e);

	if (rc > 0)
		rc = read_queried(t, e) ? -1 : dispose_remove_due(t, e);
	return rc > 0 ? carry_out_all(t, e) : rc;
}

/* Is there anything to do? 1 with the version of the queue, 0, -1. */
static int is_due(struct archive *a, uint64_t *version_r, struct err *e)
{
	if (meta_disposition_version(a->meta, version_r, e))
		return -1;
	return a->disposals_done != *version_r + 1 ? 1 : meta_removal_due(a->meta, clock_now_us(), e);
}

/* The generation before the rules: what they then lack has moved it on. */
int archive_dispose(struct archive *a, int64_t behind_us, const atomic_bool *stop, struct err *e)
{
	struct dispose_turn t = { .archive = a, .stop = stop };
	uint64_t version;
	int due = is_due(a, &version, e);

	if (due <= 0)
		return due;
	if (meta_keep_generation(a->meta, &t.generation, e) || rules_reload(a->rules, e) || archive_govern(a, behind_us, stop, e))
		return -1;
	if (atomic_load(stop))
		return 0;
	CLEANUP(rules_drop) struct rules_snapshot *rules = rules_take(a->rules);

	t.rules = rules;
	t.now_us = clock_now_us();
	int rc = take_turn(&t, e);

	if (rc > 0)
		a->disposals_done = version + 1;
	return rc < 0 ? -1 : 0;
}
