#include "archive/govern.h"

#include "archive/govern_turn.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/maintenance.h"

#include <inttypes.h>
#include <string.h>

/* ---- judging ---- */

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

static int judge_all(struct turn *t, struct some *s, struct err *e)
{
	if (govern_load(t, s, e) ||
		meta_retention_extended(t->archive->meta, s->ids, s->n, s->extended_us, e))
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (message_row_is_there(&s->rows[i]) && judge(t, s, i, e))
			return -1;
	return 0;
}

int govern_judge_and_keep(struct turn *t, struct some *s, struct upkeep_walk *w, struct err *e)
{
	return judge_all(t, s, e) ? -1 : govern_keep(t, s, w, e);
}

/* ---- changed policies ---- */

void govern_begin_mailbox(struct upkeep_walk *w, const char *mailbox)
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
			govern_begin_mailbox(w, mailboxes->items[i]);
		int rc = govern_walk(t, govern_list_mailbox, govern_judge_and_keep, w, e);

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
	return govern_keep(t, NULL, w, e);
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
	govern_begin_mailbox(w, "");
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
		int rc = reach.all ? govern_walk(t, govern_list_all, govern_judge_and_keep, &w, e) :
				     walk_mailboxes(t, &reach.mailboxes, &w, e);

		failed = rc < 0 || (rc > 0 && finish(t, &w, e)) ? -1 : 0;
		strv_deinit(&reach.mailboxes);
	}
	free(w.mailbox);
	return failed;
}

/* ---- the newest messages ---- */

static int list_settled(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e)
{
	return govern_list_before(t, w, t->settled_us, s, e);
}

static int hold_all(struct turn *t, struct some *s, const struct message_holds *under, struct err *e)
{
	int failed = 0;

	for (size_t i = 0; i < s->n && !failed; i++) {
		struct uuid *holds = NULL;
		size_t n = message_row_is_there(&s->rows[i]) ? rules_holds_on(t->rules, &s->rows[i], &holds) : 0;

		for (size_t k = 0; k < n && !failed; k++)
			failed = govern_hold_one(t, s, i, &holds[k], under, e);
		free(holds);
	}
	return failed;
}

static int judge_hold_and_keep(struct turn *t, struct some *s, struct upkeep_walk *w, struct err *e)
{
	struct message_holds under;

	if (judge_all(t, s, e) || meta_message_holds(t->archive->meta, s->ids, s->n, &under, e))
		return -1;
	int failed = hold_all(t, s, &under, e);

	free(under.items);
	return failed ? -1 : govern_keep(t, s, w, e);
}

static int walk_newest(struct turn *t, struct err *e)
{
	struct upkeep_walk w;

	if (govern_begin_newest(t, UPKEEP_NEWEST, &w, e))
		return -1;
	int failed = rules_matter(t->rules) || rules_standing(t->rules) ?
		govern_walk(t, list_settled, judge_hold_and_keep, &w, e) < 0 : govern_skip(t, &w, t->settled_us, e);

	free(w.mailbox);
	return failed ? -1 : 0;
}

int archive_govern(struct archive *a, int64_t behind_us, const atomic_bool *stop, struct err *e)
{
	if (rules_renew(a->rules, e))
		return -1;
	CLEANUP(rules_drop) struct rules_snapshot *rules = rules_take(a->rules);
	int64_t now_us = clock_now_us();
	struct turn t = { a, stop, rules, now_us, now_us - behind_us };

	return govern_holds(&t, e) || walk_policies(&t, e) || govern_members(&t, e) || walk_newest(&t, e) ? -1 : 0;
}
