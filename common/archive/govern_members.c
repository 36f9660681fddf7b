/* Who comes into a department when its policy is brought to older messages already: his older messages come under it, too. */
#include "archive/govern_turn.h"

#include <string.h>

#define WALK "members"

/* w: with the place of the walk, if not NULL. */
static int write_reached(struct turn *t, const char *mailbox, uint64_t days, const struct upkeep_walk *w, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;
	const struct reached reached = { (char *)(uintptr_t)mailbox, days };

	if (meta_lifecycle_begin(t->archive->meta, t->archive->daemon, &l, e) || meta_lifecycle_reached(l, &reached, e) ||
		(w && meta_lifecycle_walk(l, w, e)))
		return -1;
	return meta_lifecycle_commit(&l, e);
}

/* Goes through a mailbox's messages, from where an earlier turn was cut off in it: 1; 0 when it was told to stop; -1. */
static int walk_mailbox(struct turn *t, struct upkeep_walk *w, const char *mailbox, uint64_t days, struct err *e)
{
	if (w->finished_us || !w->began_us || w->about != days || strcmp(w->mailbox, mailbox) != 0) {
		govern_begin_mailbox(w, mailbox);
		w->about = days;
		w->began_us = t->now_us;
		w->finished_us = 0;
	}
	int rc = govern_walk(t, govern_list_mailbox, govern_judge_and_keep, w, e);

	if (rc <= 0)
		return rc;
	w->finished_us = t->now_us;
	return write_reached(t, mailbox, days, w, e) ? -1 : 1;
}

/* was: for how long its messages were kept when they were gone through. As walk_mailbox(). */
static int reach(struct turn *t, struct upkeep_walk *w, const char *mailbox, uint64_t was, uint64_t days, struct err *e)
{
	if (days > was)
		return walk_mailbox(t, w, mailbox, days, e);
	/* what comes while it is out of the department is kept for less, and is to be gone through when it is in again */
	if (days < was && write_reached(t, mailbox, days, NULL, e))
		return -1;
	return 1;
}

/* Both lists are sorted. As walk_mailbox(). */
static int reach_all(struct turn *t, struct upkeep_walk *w, const struct reached_list *known, struct err *e)
{
	size_t n = rules_mailboxes(t->rules), at = 0, i = 0;
	int rc = 1;

	while (rc > 0 && (at < n || i < known->n)) {
		uint64_t days = 0, was = 0;
		const char *mailbox = at < n ? rules_mailbox(t->rules, at, &days) : NULL;
		int order = !mailbox ? 1 : i == known->n ? -1 : strcmp(mailbox, known->items[i].mailbox);

		if (order > 0) {
			mailbox = known->items[i].mailbox;
			days = 0;
		}
		at += order <= 0;
		if (order >= 0)
			was = known->items[i++].days;
		rc = reach(t, w, mailbox, was, days, e);
	}
	return rc;
}

int govern_members(struct turn *t, struct err *e)
{
	CLEANUP(reached_list_deinit) struct reached_list known = { 0 };
	struct upkeep_walk w = { .name = WALK };

	if (t->archive->members_done == rules_generation(t->rules))
		return 0;
	if (meta_reached_list(t->archive->meta, &known, e) || meta_upkeep_walk(t->archive->meta, WALK, &w, e) < 0)
		return -1;
	if (!w.mailbox)
		w.mailbox = mem_strdup("");
	int rc = reach_all(t, &w, &known, e);

	free(w.mailbox);
	if (rc > 0)
		t->archive->members_done = rules_generation(t->rules);
	return rc < 0 ? -1 : 0;
}
