/* The bytes of messages that were disposed of go from the store: of those that may go. That somebody has written down that one
 * is to be removed is not enough (archive/approval.h). */
#include "archive/approval.h"
#include "archive/dispose_turn.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "meta/lifecycle.h"
#include "meta/reconcile.h"

#include <inttypes.h>

#define AT_ONCE 16
#define AT_ONCE_US (CLOCK_SECOND / 4) /* who places a hold waits so long; so does mail, of the embedded database */
#define AGAIN_US (60 * CLOCK_SECOND)  /* doubled with each try in vain, up to: */
#define AGAIN_MAX_US (86400 * CLOCK_SECOND)

static int64_t pause_us(uint64_t tries)
{
	int64_t us = AGAIN_US;

	for (uint64_t i = 0; i < tries && us < AGAIN_MAX_US; i++)
		us *= 2;
	return us < AGAIN_MAX_US ? us : AGAIN_MAX_US;
}

/* What is due, and whether it may go. */
struct batch {
	struct removal list[AT_ONCE];
	struct uuid ids[AT_ONCE];
	size_t n;
	struct keeping *known;
	struct approval approvals[AT_ONCE];
};

static void batch_freep(struct batch **bp)
{
	approval_deinit((*bp)->approvals, (*bp)->n);
	keeping_freep(&(*bp)->known);
	free(*bp);
}

static int load_batch(struct dispose_turn *t, struct meta_lifecycle *l, struct batch *b, struct err *e)
{
	struct meta *m = t->archive->meta;

	if (meta_lifecycle_removals(l, t->now_us, b->list, AT_ONCE, &b->n, e))
		return -1;
	for (size_t i = 0; i < b->n; i++)
		b->ids[i] = b->list[i].id;
	b->known = MEM_NEW(struct keeping);
	return keeping_load(b->known, m, b->ids, b->n, e) || approval_judge(m, b->known, b->ids, b->approvals, e) ? -1 : 0;
}

/* ---- what stays ---- */

static int put_off(struct dispose_turn *t, struct meta_lifecycle *l, const struct removal *r, const char *why, struct err *e)
{
	struct log_context ctx = { 0 };
	char id[UUID_TEXT_SIZE];

	log_context_set(&ctx, "archive_id", uuid_format(id, &r->id));
	log_warn(&ctx, "a message that was disposed of stays in the store and is tried again later: %s", why);
	return meta_lifecycle_put_off(l, &r->id, t->now_us + pause_us(r->tries), e);
}

static int refuse(struct dispose_turn *t, struct meta_lifecycle *l, const struct removal *r, enum reconcile_alarm_kind kind,
	const char *why, struct err *e)
{
	const struct reconcile_alarm alarm = { r->id, kind, t->now_us, (char *)(uintptr_t)why };
	struct log_context ctx = { 0 };
	char id[UUID_TEXT_SIZE];

	log_context_set(&ctx, "archive_id", uuid_format(id, &r->id));
	log_error(&ctx, "a message is not removed from the store: %s", why);
	return meta_lifecycle_refuse(l, &alarm, e) || meta_lifecycle_put_off(l, &r->id, t->now_us + pause_us(r->tries), e) ? -1 : 0;
}

/* 1 when it may go, 0 when it was put off, -1. */
static int may_go(struct dispose_turn *t, struct meta_lifecycle *l, const struct batch *b, size_t i, struct err *e)
{
	const struct approval *a = &b->approvals[i];
	const struct removal *r = &b->list[i];

	if (a->verdict == APPROVAL_LACKS)
		return refuse(t, l, r, RECONCILE_UNAPPROVED, a->why, e);
	if (a->verdict == APPROVAL_BEATEN)
		return refuse(t, l, r, RECONCILE_KEPT, a->why, e);
	switch (dispose_judge_one(t, b->known, i, a->expired_by_us < t->now_us ? a->expired_by_us : t->now_us)) {
	case DISPOSE_HELD:
		return refuse(t, l, r, RECONCILE_KEPT, "it was disposed of, and a standing hold is of it", e);
	case DISPOSE_KEPT:
		return refuse(t, l, r, RECONCILE_KEPT, "it was disposed of, and its time is not over by the rules of now", e);
	case DISPOSE_LATER:
		return put_off(t, l, r, "a standing hold was not asked about it yet", e);
	default:
		return 1;
	}
}

/* ---- what goes ---- */

static int note_removed(struct dispose_turn *t, struct meta_lifecycle *l, const struct removal *r, struct err *e)
{
	if (r->tries && meta_lifecycle_refuse_no_longer(l, &r->id, t->now_us, e))
		return -1;
	return meta_lifecycle_removed(l, &r->id, t->now_us, e);
}

/* That the database answers says that the lock on who keeps mail is ours still. 0; 1 when the store does not work; -1 when the
 * database does not. */
static int remove_one(struct dispose_turn *t, struct meta_lifecycle *l, const struct batch *b, size_t i, struct err *e)
{
	const struct removal *r = &b->list[i];
	int rc = may_go(t, l, b, i, e), held = rc > 0 ? meta_lifecycle_held(l, &r->id, e) : rc;

	if (rc <= 0 || held < 0)
		return held;
	if (held)
		return refuse(t, l, r, RECONCILE_KEPT, "it was disposed of, and a hold is on it", e);
	struct err why = { 0 };
	int failed = FAULT("dispose-remove") ? err_temporary(&why, "store_remove() failed: as the test asked") :
		store_remove(t->archive->store, &b->known->rows[i].locator, &why);

	if (!failed)
		return FAULT("dispose-removed") || note_removed(t, l, r, e) ? -1 : 0;
	if (put_off(t, l, r, why.text, e))
		return -1;
	if (why.class == ERR_PERMANENT)
		return 0;
	*e = why;
	return 1;
}

/* As remove_one(): those before the one at which the store failed count. */
static int remove_some(struct dispose_turn *t, struct meta_lifecycle *l, const struct batch *b, struct err *e)
{
	int64_t began_us = clock_monotonic_us();
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0 && clock_monotonic_us() - began_us < AT_ONCE_US; i++)
		rc = remove_one(t, l, b, i, e);
	return rc;
}

/* 1; 0 when there are no more; -1; 2: somebody keeps something longer by now. */
static int remove_batch(struct dispose_turn *t, struct err *e)
{
	CLEANUP(meta_lifecycle_rollback) struct meta_lifecycle *l = NULL;
	CLEANUP(batch_freep) struct batch *b = MEM_NEW(struct batch);
	struct err why = { 0 };

	if (meta_lifecycle_begin(t->archive->meta, t->archive->daemon, &l, e))
		return -1;
	int same = meta_lifecycle_gate(l, t->generation, e);

	if (same <= 0)
		return same < 0 ? -1 : 2;
	if (load_batch(t, l, b, e))
		return -1;
	if (b->n == 0)
		return 0;
	int failed = remove_some(t, l, b, &why);

	if (failed < 0)
		*e = why;
	if (failed < 0 || meta_lifecycle_commit(&l, e))
		return -1;
	if (failed || FAULT("dispose-noted"))
		*e = why;
	return failed ? -1 : 1;
}

int dispose_remove_due(struct dispose_turn *t, struct err *e)
{
	int more = 1;

	while (more == 1 && !atomic_load(t->stop))
		more = remove_batch(t, e);
	return more < 0 ? -1 : more == 0;
}
