/* Walks over messages, some at a time: what was found, its facts and the new place are kept in one transaction. */
#include "archive/fact.h"
#include "archive/govern_turn.h"
#include "base/clock.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"

#include <string.h>

#define KEEP_PLACE_US (600 * CLOCK_SECOND) /* a place that only goes along is kept no more often */

void some_deinit(struct some *s)
{
	for (size_t i = 0; i < s->n; i++) {
		message_row_deinit(&s->rows[i]);
		free(s->verdicts[i].version);
	}
	free(s->placed.items);
}

/* ---- lists ---- */

int govern_list_all(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e)
{
	return meta_message_walk(t->archive->meta, &w->message_id, s->ids, GOVERN_AT_ONCE, &s->n, e);
}

int govern_list_mailbox(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e)
{
	return meta_mailbox_walk(t->archive->meta, w, s->ids, s->dates, GOVERN_AT_ONCE, &s->n, e);
}

int govern_list_before(struct turn *t, const struct upkeep_walk *w, int64_t until_us, struct some *s, struct err *e)
{
	struct uuid end = uuid_floor(until_us);

	if (govern_list_all(t, w, s, e))
		return -1;
	while (s->n && memcmp(&s->ids[s->n - 1], &end, UUID_SIZE) >= 0)
		s->n--;
	return 0;
}

int govern_load(struct turn *t, struct some *s, struct err *e)
{
	struct disposed disposed[GOVERN_AT_ONCE];

	if (meta_messages_load(t->archive->meta, s->ids, s->n, s->rows, e) ||
		meta_disposed_of(t->archive->meta, s->ids, s->n, disposed, e))
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (disposed[i].removed_us)
			message_row_deinit(&s->rows[i]);
	return 0;
}

/* ---- keeping ---- */

static int write_extension(struct turn *t, struct meta_lifecycle *l, const struct some *s, size_t i, struct err *e)
{
	struct ledger_fact fact = {
		.archive_id = s->ids[i],
		.kind = LEDGER_FACT_EXTENDED,
		.at_us = t->now_us,
		.retain_until_us = s->verdicts[i].retain_until_us,
		.policy_version = s->verdicts[i].version,
	};
	int added = meta_lifecycle_extend(l, &s->ids[i], fact.retain_until_us, t->now_us, fact.policy_version, e);

	return added > 0 ? fact_add(l, t->archive->daemon, &fact, e) : added;
}

static int write_hold(struct turn *t, struct meta_lifecycle *l, const struct message_hold *h, struct err *e)
{
	struct ledger_fact fact = { .archive_id = h->message, .kind = LEDGER_FACT_HELD, .at_us = t->now_us, .cause = h->hold };
	int added = meta_lifecycle_hold(l, h, HOLD_PLACED, t->now_us, e);

	if (added > 0 && fact_add(l, t->archive->daemon, &fact, e))
		return -1;
	return added < 0 ? -1 : meta_lifecycle_hold_done(l, h, e);
}

static int write_some(struct turn *t, struct meta_lifecycle *l, const struct some *s, struct upkeep_walk *w, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!s->verdicts[i].version)
			continue;
		if (write_extension(t, l, s, i, e))
			return -1;
		w->changed++;
	}
	for (size_t i = 0; i < s->placed.n; i++, w->changed++)
		if (write_hold(t, l, &s->placed.items[i], e))
			return -1;
	w->looked += s->n;
	return 0;
}

int govern_keep(struct turn *t, const struct some *s, struct upkeep_walk *w, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;

	if (meta_lifecycle_begin(t->archive->meta, t->archive->daemon, &l, e) || (s && write_some(t, l, s, w, e)))
		return -1;
	return meta_lifecycle_walk(l, w, e) ? -1 : meta_lifecycle_commit(&l, e);
}

/* ---- walks ---- */

static int do_some(struct turn *t, list_messages *list, act_on_messages *act, struct upkeep_walk *w, struct some *s,
	struct err *e)
{
	if (list(t, w, s, e))
		return -1;
	if (s->n == 0)
		return 0;
	w->message_id = s->ids[s->n - 1];
	w->date_us = s->dates[s->n - 1];
	return act(t, s, w, e);
}

int govern_walk(struct turn *t, list_messages *list, act_on_messages *act, struct upkeep_walk *w, struct err *e)
{
	for (;;) {
		CLEANUP(some_deinit) struct some s = { 0 };

		if (atomic_load(t->stop))
			return 0;
		if (do_some(t, list, act, w, &s, e))
			return -1;
		if (s.n == 0)
			return 1;
	}
}

int govern_begin_newest(struct turn *t, const char *name, struct upkeep_walk *w_r, struct err *e)
{
	*w_r = (struct upkeep_walk){ .name = name };
	int found = meta_upkeep_walk(t->archive->meta, name, w_r, e);

	if (found)
		return found < 0 ? -1 : 0;
	w_r->message_id = uuid_floor(t->settled_us);
	w_r->began_us = t->now_us;
	return govern_keep(t, NULL, w_r, e);
}

int govern_skip(struct turn *t, struct upkeep_walk *w, int64_t until_us, struct err *e)
{
	if (uuid_time_us(&w->message_id) > until_us - KEEP_PLACE_US)
		return 0;
	w->message_id = uuid_floor(until_us);
	return govern_keep(t, NULL, w, e);
}
