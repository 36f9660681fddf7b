/* govern_turn: what the files of govern share: one turn, and walks over messages, some at a time. */
#ifndef ARCHIVE_GOVERN_TURN_H
#define ARCHIVE_GOVERN_TURN_H

#include "archive/archive_private.h"
#include "meta/lifecycle.h"

#include <stdatomic.h>

#define GOVERN_AT_ONCE 128

struct turn {
	struct archive *archive;
	const atomic_bool *stop;
	const struct rules_snapshot *rules;
	int64_t now_us;
	int64_t settled_us; /* what was archived before is there, and was captured by rules that were known then */
};

/* Some messages. */
struct some {
	struct uuid ids[GOVERN_AT_ONCE];
	int64_t dates[GOVERN_AT_ONCE]; /* of a walk over a mailbox */
	struct message_row rows[GOVERN_AT_ONCE]; /* where they were loaded */
	int64_t extended_us[GOVERN_AT_ONCE];
	struct rules_verdict verdicts[GOVERN_AT_ONCE]; /* version: only of those that are to be extended */
	struct message_holds placed; /* the holds that they newly come under */
	size_t n;
};
void some_deinit(struct some *s);

/* Lists those behind the walk's place, as many as fit; none: that was all. */
typedef int list_messages(struct turn *t, const struct upkeep_walk *w, struct some *s, struct err *e);
list_messages govern_list_all, govern_list_mailbox;

/* The same of those archived before until_us. */
int govern_list_before(struct turn *t, const struct upkeep_walk *w, int64_t until_us, struct some *s, struct err *e) MUST_CHECK;

/* Does to them what is to be done, and keeps that with the walk's new place. */
typedef int act_on_messages(struct turn *t, struct some *s, struct upkeep_walk *w, struct err *e);

/* To the end of what the list gives: 1; 0 when it was told to stop; -1. */
int govern_walk(struct turn *t, list_messages *list, act_on_messages *act, struct upkeep_walk *w, struct err *e) MUST_CHECK;

/* Loads their rows; of messages whose bytes were removed there is none. */
int govern_load(struct turn *t, struct some *s, struct err *e) MUST_CHECK;

/* Keeps the walk's place, and what was found of some messages (NULL: nothing) with the facts about it. */
int govern_keep(struct turn *t, const struct some *s, struct upkeep_walk *w, struct err *e) MUST_CHECK;

/* A walk behind the newest messages: its place, at first the newest settled one; the caller frees its mailbox. */
int govern_begin_newest(struct turn *t, const char *name, struct upkeep_walk *w_r, struct err *e) MUST_CHECK;

/* While nothing is to be looked for, nobody is looked at, and the place goes along up to there. */
int govern_skip(struct turn *t, struct upkeep_walk *w, int64_t until_us, struct err *e) MUST_CHECK;

/* The walk begins with the first message of this mailbox. */
void govern_begin_mailbox(struct upkeep_walk *w, const char *mailbox);

/* Keeps those longer that a rule keeps longer. */
act_on_messages govern_judge_and_keep;

/* ---- govern_members.c ---- */

/* Goes through the messages of mailboxes that are kept longer than when that was done last. */
int govern_members(struct turn *t, struct err *e) MUST_CHECK;

/* ---- govern_hold.c ---- */

/* Brings holds to messages that are there, takes off those that were lifted, and follows the newest messages with standing
 * queries. */
int govern_holds(struct turn *t, struct err *e) MUST_CHECK;

/* Puts the hold on message i, whose row was loaded, unless it is on it (under: the holds that it is under). */
int govern_hold_one(struct turn *t, struct some *s, size_t i, const struct uuid *hold, const struct message_holds *under,
	struct err *e) MUST_CHECK;

#endif
