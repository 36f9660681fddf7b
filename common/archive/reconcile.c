#include "archive/reconcile.h"

#include "archive/reconcile_slice.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"

#include <inttypes.h>
#include <string.h>

#define DAY_US (86400 * CLOCK_SECOND)
#define MS_US INT64_C(1000) /* what ids tell apart */
#define AGAIN_AT_ONCE 200   /* open alarms looked at again in a round */

struct walk_kind {
	const char *name;
	enum reconcile_part part;
	bool whole; /* over everything, from the first message to yesterday, again and again */
	enum slice_result (*look)(struct slice *s, struct err *e);
};

/* In this order: an index that is down holds up nothing else. */
static const struct walk_kind walk_kinds[] = {
	{ "store.new", RECONCILE_STORE, false, slice_look_at_store },
	{ "store.all", RECONCILE_STORE, true, slice_look_at_store },
	{ "index.new", RECONCILE_INDEX, false, slice_look_at_index },
	{ "index.all", RECONCILE_INDEX, true, slice_look_at_index },
};

struct round {
	struct archive *archive;
	const atomic_bool *stop;
	int64_t now_us;
	int64_t end_us; /* what is newer is left alone */
};

static int64_t day_of(int64_t us)
{
	return us - us % DAY_US;
}

/* ---- a slice ---- */

/* As many whole milliseconds as fit into RECONCILE_ROWS; one at least, however many messages it has. */
static void cut(struct slice *s)
{
	int64_t last_us = uuid_time_us(&s->rows.items[s->rows.n - 1].id);

	s->until_us = last_us > s->from_us ? last_us : s->from_us + MS_US;
	s->until = uuid_floor(s->until_us);
	while (s->rows.n && memcmp(&s->rows.items[s->rows.n - 1].id, &s->until, UUID_SIZE) >= 0)
		reconcile_row_deinit(&s->rows.items[--s->rows.n]);
}

static int load_slice(struct slice *s, struct err *e)
{
	s->from = uuid_floor(s->from_us);
	s->until = uuid_floor(s->until_us);
	if (meta_reconcile_rows(s->archive->meta, &s->from, &s->until, RECONCILE_ROWS + 1, &s->rows, e))
		return -1;
	if (s->rows.n > RECONCILE_ROWS)
		cut(s);
	s->tally.recorded = s->rows.n;
	if (s->rows.n) {
		s->tally.first_us = uuid_time_us(&s->rows.items[0].id);
		s->tally.last_us = uuid_time_us(&s->rows.items[s->rows.n - 1].id);
	}
	return 0;
}

static void add_tally(struct reconcile_tally *sum, const struct reconcile_tally *t)
{
	sum->captured += t->captured;
	sum->recorded += t->recorded;
	sum->stored += t->stored;
	sum->indexed += t->indexed;
	sum->waiting += t->waiting;
	sum->orphans += t->orphans;
	sum->missing += t->missing;
	sum->removed += t->removed;
	sum->unindexed += t->unindexed;
	if (!sum->first_us)
		sum->first_us = t->first_us;
	if (t->last_us)
		sum->last_us = t->last_us;
}

/* The account of a day is written as the day goes on by the walk over what is new; the walk over everything writes it anew
 * when it has the whole day. */
static int keep_slice(const struct walk_kind *k, struct reconcile_walk *w, const struct slice *s, struct err *e)
{
	int64_t day_us = day_of(s->from_us);
	bool account = !k->whole || s->until_us == day_us + DAY_US;

	if (s->from_us == day_us)
		w->day = (struct reconcile_tally){ 0 };
	add_tally(&w->day, &s->tally);
	w->at_us = s->until_us;
	const struct reconcile_result r = {
		.walk = w,
		.part = k->part,
		.account_day_us = day_us,
		.account = account ? &w->day : NULL,
		.account_until_us = s->until_us,
		.orphans = s->orphans,
		.orphan_count = s->orphan_count,
		.alarms = s->alarms,
		.alarm_count = s->alarm_count,
	};

	return meta_reconcile_keep(s->archive->meta, &r, s->now_us, e);
}

static enum slice_result do_slice(struct round *r, const struct walk_kind *k, struct reconcile_walk *w, struct err *e)
{
	int64_t day_end_us = day_of(w->at_us) + DAY_US;
	CLEANUP(slice_deinit)
	struct slice s = { .archive = r->archive, .stop = r->stop, .now_us = r->now_us, .from_us = w->at_us,
		.until_us = day_end_us < r->end_us ? day_end_us : r->end_us };

	if (load_slice(&s, e))
		return SLICE_FAILED;
	enum slice_result rc = k->look(&s, e);

	if (rc == SLICE_DONE && keep_slice(k, w, &s, e))
		rc = SLICE_FAILED;
	return rc;
}

/* ---- a walk ---- */

/* The day of the first message there is; of now where there is none. */
static int first_day(struct round *r, int64_t *us_r, struct err *e)
{
	const struct uuid none = { { 0 } };
	struct uuid first;
	size_t n;

	if (meta_message_walk(r->archive->meta, &none, &first, 1, &n, e))
		return -1;
	*us_r = day_of(n ? uuid_time_us(&first) : r->end_us);
	return 0;
}

static int keep_place(struct round *r, const struct reconcile_walk *w, struct err *e)
{
	const struct reconcile_result place = { .walk = w };

	return meta_reconcile_keep(r->archive->meta, &place, r->now_us, e);
}

/* 1 with the place of a walk, 0 when there is none to go on from, -1. One in the future is of a clock that was wrong: until
 * then nothing would be looked at. */
static int load_walk(struct round *r, const struct walk_kind *k, struct reconcile_walk *w, struct err *e)
{
	int known = meta_reconcile_walk(r->archive->meta, k->name, w, e);

	if (known <= 0 || (w->at_us <= r->now_us && w->began_us <= r->now_us))
		return known;
	log_warn(NULL, "the clock was set back: the reconciler's walk %s begins anew", k->name);
	return 0;
}

/* A walk that was never made begins today, the one over everything at the beginning, and that again when its time has
 * come. 1 to walk on, 0, -1. */
static int begin_walk(struct round *r, const struct walk_kind *k, struct reconcile_walk *w, struct err *e)
{
	int known = load_walk(r, k, w, e);

	if (known < 0)
		return -1;
	if (known && k->whole && w->finished_us && r->now_us - w->began_us < r->archive->conf->workerd_reconcile_full_us)
		return 0;
	if (known && !(k->whole && w->finished_us))
		return 1;
	*w = (struct reconcile_walk){ .name = k->name, .at_us = day_of(r->end_us), .began_us = r->now_us };
	if (!k->whole)
		return 1;
	return first_day(r, &w->at_us, e) || keep_place(r, w, e) ? -1 : 1; /* its time counts from now */
}

/* How far the walk is to come in this round: over everything in step with the time that it has for that, in whole days. */
static int target_of(struct round *r, const struct walk_kind *k, const struct reconcile_walk *w, int64_t *target_r,
	struct err *e)
{
	int64_t full_us = r->archive->conf->workerd_reconcile_full_us, gone_us = r->now_us - w->began_us;
	int64_t end_us = k->whole ? day_of(r->end_us) : r->end_us, first_us;

	*target_r = end_us;
	if (!k->whole || gone_us >= full_us)
		return 0;
	if (first_day(r, &first_us, e))
		return -1;
	if (first_us < end_us)
		*target_r = day_of(first_us + (int64_t)((double)(end_us - first_us) * (double)gone_us / (double)full_us));
	return 0;
}

static int do_walk(struct round *r, const struct walk_kind *k, struct err *e)
{
	struct reconcile_walk w = { 0 };
	int64_t target_us;
	int go = begin_walk(r, k, &w, e);

	if (go <= 0)
		return go;
	if (target_of(r, k, &w, &target_us, e))
		return -1;
	while (w.at_us < target_us) {
		enum slice_result rc = atomic_load(r->stop) ? SLICE_LATER : do_slice(r, k, &w, e);

		if (rc != SLICE_DONE)
			return rc == SLICE_FAILED ? -1 : 0;
	}
	if (!k->whole || w.at_us < day_of(r->end_us))
		return 0;
	w.finished_us = r->now_us;
	return keep_place(r, &w, e);
}

/* ---- what was found before ---- */

static bool has_alarm(const struct slice *s, enum reconcile_alarm_kind kind)
{
	for (size_t i = 0; i < s->alarm_count; i++)
		if (s->alarms[i].kind == kind)
			return true;
	return false;
}

/* What the rules of now keep, strongroom-workerd alone finds when it comes to remove it. */
static int still_waits(struct round *r, const struct reconcile_alarm *a, struct err *e)
{
	struct removal one;
	size_t n = 0;

	return a->kind == RECONCILE_KEPT && meta_removal_of(r->archive->meta, &a->id, 1, &one, &n, e) ? -1 : n > 0;
}

static bool is_of_approval(enum reconcile_alarm_kind kind)
{
	return kind == RECONCILE_UNAPPROVED || kind == RECONCILE_KEPT;
}

static int look_again(struct round *r, const struct reconcile_alarm *a, struct err *e)
{
	CLEANUP(reconcile_row_deinit) struct reconcile_row row = { 0 };
	CLEANUP(slice_deinit) struct slice s = { .archive = r->archive, .stop = r->stop, .quiet = true,
		.now_us = r->now_us };
	struct log_context ctx = { 0 };
	char text[UUID_TEXT_SIZE];
	enum slice_object object;
	int found = meta_reconcile_row(r->archive->meta, &a->id, &row, e);

	int waits = found < 0 ? -1 : still_waits(r, a, e);

	if (waits < 0 || slice_check_approvals(&s, &a->id, 1, e))
		return -1;
	if (found) {
		slice_check_row(&s, &row);
		if (slice_check_object(&s, &row, &object, e))
			return -1;
	}
	bool cleared = (found || is_of_approval(a->kind)) && !waits && !has_alarm(&s, a->kind);

	log_context_set(&ctx, "archive_id", uuid_format(text, &a->id));
	if (cleared)
		log_info(&ctx, "an archived message is as it should be again; it was not: %s", a->detail);
	return meta_reconcile_alarm_seen(r->archive->meta, a, cleared, r->now_us, e);
}

static int look_at_alarms(struct round *r, struct err *e)
{
	struct reconcile_alarm alarms[AGAIN_AT_ONCE];
	size_t n;
	int failed = 0;

	if (meta_reconcile_alarms(r->archive->meta, alarms, AGAIN_AT_ONCE, &n, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!failed && !atomic_load(r->stop))
			failed = look_again(r, &alarms[i], e);
		reconcile_alarm_deinit(&alarms[i]);
	}
	return failed;
}

static int adopt(struct round *r, struct err *e)
{
	uint64_t adopted;

	if (meta_reconcile_adopt(r->archive->meta, r->now_us, &adopted, e))
		return -1;
	if (adopted)
		log_info(NULL, "%" PRIu64 " objects that were orphans have their rows now", adopted);
	return 0;
}

int archive_reconcile(struct archive *a, const atomic_bool *stop, struct err *e)
{
	int64_t now_us = clock_now_us(), end_us = now_us - a->conf->workerd_reconcile_grace_us;
	struct round r = { a, stop, now_us, end_us - end_us % MS_US };

	int failed = look_at_alarms(&r, e) || adopt(&r, e);

	for (size_t i = 0; i < ARRAY_LEN(walk_kinds) && !failed; i++)
		failed = do_walk(&r, &walk_kinds[i], e);
	failed = failed || meta_reconcile_settle(a->meta, now_us, e);
	if (!failed)
		return 0;
	e->class = ERR_TEMPORARY;
	return -1;
}
