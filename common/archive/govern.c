#include "archive/govern.h"

#include "archive/archive_private.h"
#include "archive/fact.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/maintenance.h"

#include <inttypes.h>
#include <string.h>

#define AT_ONCE 128
#define BEHIND_US (60 * CLOCK_SECOND)	   /* what is under way now was captured by rules that may be that old */
#define KEEP_PLACE_US (600 * CLOCK_SECOND) /* while there are no rules, the place is kept no more often */

struct turn {
	struct archive *archive;
	const atomic_bool *stop;
	const struct rules_snapshot *rules;
	int64_t now_us;
};

/* ---- some messages ---- */

struct some {
	struct uuid ids[AT_ONCE];
	int64_t dates[AT_ONCE]; /* of a walk over a mailbox */
	struct message_row rows[AT_ONCE];
	int64_t extended_us[AT_ONCE];
	struct rules_verdict verdicts[AT_ONCE]; /* version: only of those that are to be extended */
	size_t n;
};

static void some_deinit(struct some *s)
{
	for (size_t i = 0; i < s->n; i++) {
		message_row_deinit(&s->rows[i]);
		free(s->verdicts[i].version);
	}
}

/* An object that is not as it should be is the reconciler's to tell; it must not hold up the others. */
static int lock_object(struct turn *t, const struct message_row *row, int64_t until_us, struct err *e)
{
	struct log_context ctx = { 0 };
	char id[UUID_TEXT_SIZE];

	if (store_extend(t->archive->store, &row->locator, until_us, e) == 0)
		return 1;
	if (e->class != ERR_PERMANENT)
		return -1;
	log_context_set(&ctx, "archive_id", uuid_format(id, &row->id));
	log_error(&ctx, "a message can't be locked for longer: %s", e->text);
	return 0;
}

/* Does a rule keep this one longer than it is kept? Then its object is locked for it. */
static int judge(struct turn *t, struct some *s, size_t i, struct err *e)
{
	const struct message_row *row = &s->rows[i];
	int64_t kept_us = row->retain_until_us > s->extended_us[i] ? row->retain_until_us : s->extended_us[i];
	struct rules_verdict v = rules_judge(t->rules, row);
	int locked = v.retain_until_us > kept_us ? lock_object(t, row, v.retain_until_us, e) : 0;

	if (locked > 0)
		s->verdicts[i] = v;
	else
		free(v.version);
	return locked < 0 ? -1 : 0;
}

static int judge_some(struct turn *t, struct some *s, struct err *e)
{
	if (meta_messages_load(t->archive->meta, s->ids, s->n, s->rows, e) ||
		meta_retention_extended(t->archive->meta, s->ids, s->n, s->extended_us, e))
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (message_row_is_there(&s->rows[i]) && judge(t, s, i, e))
			return -1;
	return 0;
}

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

/* What was found, and the walk's new place, in one transaction. */
static int keep(struct turn *t, const struct some *s, struct upkeep_walk *w, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;

	if (meta_lifecycle_begin(t->archive->meta, t->archive->daemon, &l, e))
		return -1;
	for (size_t i = 0; s && i < s->n; i++) {
		if (!s->verdicts[i].version)
			continue;
		if (write_extension(t, l, s, i, e))
			return -1;
		w->changed++;
	}
	w->looked += s ? s->n : 0;
	return meta_lifecycle_walk(l, w, e) ? -1 : meta_lifecycle_commit(&l, e);
}

/* ---- the walks ---- */

/* Some messages behind the walk's place: how many, -1. */
typedef int list_messages(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e);

static int list_all(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e)
{
	return meta_message_walk(t->archive->meta, &w->message_id, s->ids, AT_ONCE, &s->n, e);
}

static int list_mailbox(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e)
{
	return meta_mailbox_walk(t->archive->meta, w, s->ids, s->dates, AT_ONCE, &s->n, e);
}

/* Those that have been there for a while. */
static int list_settled(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e)
{
	struct uuid end = uuid_floor(t->now_us - BEHIND_US);

	if (list_all(t, w, s, e))
		return -1;
	while (s->n && memcmp(&s->ids[s->n - 1], &end, UUID_SIZE) >= 0)
		s->n--;
	return 0;
}

static int do_some(struct turn *t, list_messages *list, struct upkeep_walk *w, struct some *s, struct err *e)
{
	if (list(t, w, s, e))
		return -1;
	if (s->n == 0)
		return 0;
	if (judge_some(t, s, e))
		return -1;
	w->message_id = s->ids[s->n - 1];
	w->date_us = s->dates[s->n - 1];
	return keep(t, s, w, e);
}

/* To the end of what the list gives: 1; 0 when it was told to stop; -1. */
static int walk(struct turn *t, list_messages *list, struct upkeep_walk *w, struct err *e)
{
	for (;;) {
		CLEANUP(some_deinit) struct some s = { 0 };

		if (atomic_load(t->stop))
			return 0;
		if (do_some(t, list, w, &s, e))
			return -1;
		if (s.n < AT_ONCE)
			return 1;
	}
}

static void begin_mailbox(struct upkeep_walk *w, const char *mailbox)
{
	free(w->mailbox);
	w->mailbox = mem_strdup(mailbox);
	w->date_us = INT64_MIN;
	w->message_id = (struct uuid){ 0 };
}

/* From the mailbox on in which the walk is. */
static int walk_mailboxes(struct turn *t, const struct strv *mailboxes, struct upkeep_walk *w, struct err *e)
{
	for (size_t i = 0; i < mailboxes->n; i++) {
		int order = strcmp(mailboxes->items[i], w->mailbox);

		if (order < 0)
			continue;
		if (order > 0)
			begin_mailbox(w, mailboxes->items[i]);
		int rc = walk(t, list_mailbox, w, e);

		if (rc <= 0)
			return rc;
	}
	return 1;
}

static int finish(struct turn *t, struct upkeep_walk *w, struct err *e)
{
	w->finished_us = t->now_us;
	if (w->looked)
		log_info(NULL, "changed retention policies: %" PRIu64 " messages looked at, %" PRIu64 " are kept longer", w->looked,
			w->changed);
	return keep(t, NULL, w, e);
}

/* The walk over what the changes up to the newest one reach; a change meanwhile begins it anew. */
static void begin(struct turn *t, struct upkeep_walk *w)
{
	if (w->finished_us || !w->began_us) {
		w->since = w->about;
		w->looked = w->changed = 0;
	}
	w->about = rules_change(t->rules);
	w->began_us = t->now_us;
	w->finished_us = 0;
	begin_mailbox(w, "");
}

static int walk_policies(struct turn *t, struct err *e)
{
	struct upkeep_walk w = { .name = UPKEEP_POLICIES };
	int failed = 0;

	if (rules_change(t->rules) == 0)
		return 0;
	if (meta_upkeep_walk(t->archive->meta, UPKEEP_POLICIES, &w, e) < 0)
		return -1;
	if (w.about < rules_change(t->rules))
		begin(t, &w);
	if (!w.finished_us) {
		struct rules_reach reach = rules_reach(t->rules, w.since, w.about);
		int rc = reach.all ? walk(t, list_all, &w, e) : walk_mailboxes(t, &reach.mailboxes, &w, e);

		failed = rc < 0 || (rc > 0 && finish(t, &w, e)) ? -1 : 0;
		strv_deinit(&reach.mailboxes);
	}
	free(w.mailbox);
	return failed;
}

/* While there is no rule, nobody is looked at: the place goes along. */
static int skip_newest(struct turn *t, struct upkeep_walk *w, struct err *e)
{
	struct uuid place = uuid_floor(t->now_us - BEHIND_US);

	if (uuid_time_us(&w->message_id) > t->now_us - BEHIND_US - KEEP_PLACE_US)
		return 0;
	w->message_id = place;
	return keep(t, NULL, w, e);
}

static int walk_newest(struct turn *t, struct err *e)
{
	struct upkeep_walk w = { .name = UPKEEP_NEWEST, .message_id = uuid_floor(t->now_us - BEHIND_US) };
	int found = meta_upkeep_walk(t->archive->meta, UPKEEP_NEWEST, &w, e);

	if (found < 0)
		return -1;
	if (!found)
		w.began_us = t->now_us;
	int failed = !rules_matter(t->rules) ? skip_newest(t, &w, e) : !found ? keep(t, NULL, &w, e) :
		walk(t, list_settled, &w, e) < 0;

	free(w.mailbox);
	return failed ? -1 : 0;
}

int archive_govern(struct archive *a, const atomic_bool *stop, struct err *e)
{
	if (rules_renew(a->rules, e))
		return -1;
	CLEANUP(rules_drop) struct rules_snapshot *rules = rules_take(a->rules);
	struct turn t = { a, stop, rules, clock_now_us() };

	return walk_policies(&t, e) || walk_newest(&t, e) ? -1 : 0;
}
