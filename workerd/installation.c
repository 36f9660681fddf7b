#include "workerd/installation.h"

#include "base/clock.h"
#include "meta/maintenance.h"
#include "meta/mta.h"
#include "meta/reconcile.h"
#include "meta/watch.h"
#include "workerd/worker.h"

#define LOOK_US (15 * CLOCK_SECOND)
#define AUDIT_LOOK_US (300 * CLOCK_SECOND)   /* it counts over a whole day */
#define AUDIT_DAY_US (86400 * CLOCK_SECOND)
#define AUDIT_OPEN_US (900 * CLOCK_SECOND)   /* an answer may take so long */

static const char *const alarm_kinds[RECONCILE_KINDS] = {
	[RECONCILE_MISSING] = "missing",
	[RECONCILE_ALTERED] = "altered",
	[RECONCILE_ROW_SHORT] = "row_short",
	[RECONCILE_LOCK_SHORT] = "lock_short",
	[RECONCILE_UNPROTECTED] = "unprotected",
	[RECONCILE_RETURNED] = "returned",
	[RECONCILE_UNAPPROVED] = "unapproved",
	[RECONCILE_KEPT] = "kept",
};
static const char *const audit_kinds[] = { "unfinished", "signin_refused" };
static const char *const export_states[] = { "queued", "building" };
static const char *const removal_states[] = { "waiting", "refused" };

static _Atomic int64_t outbox_cell, lag_cell, alarm_cells[RECONCILE_KINDS], orphans_cell, days_cell, incidents_cell,
	unaccepted_cell, replica_cell, audit_cells[ARRAY_LEN(audit_kinds)], export_cells[ARRAY_LEN(export_states)],
	removal_cells[ARRAY_LEN(removal_states)];
static _Atomic int64_t oldest_us; /* of the outbox; 0: it is empty */
static int64_t audit_due_us;	  /* monotonic; the task's own */

static const struct metric outbox = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_outbox_messages",
	.help = "Messages that are archived and wait to be indexed.",
	.cells = &outbox_cell,
};
static const struct metric lag = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_ingestion_lag_seconds",
	.help = "For how long the oldest message that is archived has not been searchable; 0 when all are.",
	.seconds = true,
	.cells = &lag_cell,
};
static const struct metric alarms = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_integrity_alarms",
	.help = "Archived messages that are not as they should be, by kind: object missing, altered, unprotected, locked too short; "
		"row_short: the row keeps it for less than its policy; returned: it was removed and is there; unapproved: it is disposed of "
		"or to be removed without an approval; kept: it is disposed of, and something keeps it.",
	.labels = { { "kind", alarm_kinds, RECONCILE_KINDS } },
	.cells = alarm_cells,
};
static const struct metric orphans = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_orphan_objects",
	.help = "Objects that belong to no message; they were never acknowledged.",
	.cells = &orphans_cell,
};
static const struct metric days = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_unequal_accounts",
	.help = "Days whose account of captured, recorded, stored and indexed messages does not add up.",
	.cells = &days_cell,
};
static const struct metric incidents = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_mta_incidents",
	.help = "Messages that the mail server accepted and that were not captured, not settled yet.",
	.cells = &incidents_cell,
};
static const struct metric unaccepted = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_mta_unaccepted_messages",
	.help = "Captured messages that the mail server did not accept.",
	.cells = &unaccepted_cell,
};
static const struct metric replica_lag = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_replica_lag_seconds",
	.help = "How far the replica of the database is behind.",
	.cells = &replica_cell,
};
static const struct metric audit = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_audit_anomalies",
	.help = "Of the last day: audited actions that were cut off (unfinished: an intent without an outcome), and sign-ins that "
		"were refused (signin_refused).",
	.labels = { { "kind", audit_kinds, ARRAY_LEN(audit_kinds) } },
	.cells = audit_cells,
};

static const struct metric exports = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_export_jobs",
	.help = "Exports that are not finished, by state.",
	.labels = { { "state", export_states, ARRAY_LEN(export_states) } },
	.cells = export_cells,
};

static const struct metric removals = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_removal_objects",
	.help = "Objects of messages that were disposed of, which are in the store yet: they wait for their turn (waiting), or could not be "
		"or may not be removed and are tried again (refused).",
	.labels = { { "state", removal_states, ARRAY_LEN(removal_states) } },
	.cells = removal_cells,
};

static const struct metric *const shown[] = { &outbox, &lag, &alarms, &orphans, &days, &incidents, &unaccepted, &replica_lag,
	&audit, &exports, &removals, NULL };

/* ---- the task ---- */

static void forget(const struct metric *m)
{
	for (size_t i = 0; i < metric_cells(m); i++)
		metric_set(m, i, METRIC_NOT_KNOWN);
}

static int look_at_outbox(struct meta *m, struct err *e)
{
	uint64_t n;
	int64_t oldest = 0;

	if (meta_outbox_count(m, &n, &oldest, e)) {
		atomic_store(&oldest_us, METRIC_NOT_KNOWN);
		return -1;
	}
	metric_set(&outbox, 0, (int64_t)n);
	atomic_store(&oldest_us, n ? oldest : 0);
	return 0;
}

static int look_at_accounts(struct meta *m, struct err *e)
{
	uint64_t kinds[RECONCILE_KINDS], orphan_count, unequal;

	if (meta_reconcile_counts(m, kinds, &orphan_count, e) || meta_reconcile_unequal(m, &unequal, e))
		return -1;
	for (size_t i = 0; i < RECONCILE_KINDS; i++)
		metric_set(&alarms, i, (int64_t)kinds[i]);
	metric_set(&orphans, 0, (int64_t)orphan_count);
	metric_set(&days, 0, (int64_t)unequal);
	return 0;
}

static int look_at_mta(struct meta *m, struct err *e)
{
	struct mta_counts counts;

	if (meta_mta_counts(m, &counts, e))
		return -1;
	metric_set(&incidents, 0, (int64_t)counts.incidents);
	metric_set(&unaccepted, 0, (int64_t)counts.unaccepted);
	return 0;
}

static int look_at_replica(struct meta *m, struct err *e)
{
	int64_t seconds;
	int known = meta_replica_lag(m, &seconds, e);

	metric_set(&replica_lag, 0, known > 0 ? seconds : METRIC_NOT_KNOWN);
	return known < 0 ? -1 : 0;
}

static int look_at_audit(struct meta *m, struct err *e)
{
	int64_t now_us = clock_now_us();
	struct watch_audit s;

	if (clock_monotonic_us() < audit_due_us)
		return 0;
	if (meta_watch_audit(m, now_us - AUDIT_DAY_US, now_us - AUDIT_OPEN_US, &s, e))
		return -1;
	metric_set(&audit, 0, (int64_t)s.unfinished);
	metric_set(&audit, 1, (int64_t)s.signins_refused);
	audit_due_us = clock_monotonic_us() + AUDIT_LOOK_US;
	return 0;
}

static int look_at_exports(struct meta *m, struct err *e)
{
	struct watch_exports x;

	if (meta_watch_exports(m, &x, e))
		return -1;
	metric_set(&exports, 0, (int64_t)x.queued);
	metric_set(&exports, 1, (int64_t)x.building);
	return 0;
}

static int look_at_removals(struct meta *m, struct err *e)
{
	struct watch_removals r;

	if (meta_watch_removals(m, &r, e))
		return -1;
	metric_set(&removals, 0, (int64_t)r.waiting);
	metric_set(&removals, 1, (int64_t)r.refused);
	return 0;
}

struct look {
	int (*at)(struct meta *m, struct err *e);
	const struct metric *shown[4];
};

static const struct look looks[] = {
	{ look_at_outbox, { &outbox } },
	{ look_at_accounts, { &alarms, &orphans, &days } },
	{ look_at_mta, { &incidents, &unaccepted } },
	{ look_at_replica, { &replica_lag } },
	{ look_at_audit, { &audit } },
	{ look_at_exports, { &exports } },
	{ look_at_removals, { &removals } },
};

/* What can't be looked up is not known; the rest is. Until then the figures before it stay: nothing blinks. */
static int run(struct worker *w, struct err *e)
{
	struct meta *m = archive_meta(w->archive);
	struct err failure;
	int failed = 0;

	for (size_t i = 0; *w->conf->workerd_metrics && i < ARRAY_LEN(looks); i++) {
		if (looks[i].at(m, &failure) == 0)
			continue;
		for (const struct metric *const *s = looks[i].shown; *s; s++)
			forget(*s);
		failed = -1;
		*e = failure;
	}
	return failed;
}

const struct task metrics_task = {
	.name = "metrics",
	.every_us = LOOK_US,
	.run = run,
};

/* ---- what is shown ---- */

/* It grows between two looks. */
static void refresh(void *unused)
{
	int64_t oldest = atomic_load(&oldest_us);

	(void)unused;
	if (oldest <= 0)
		metric_set(&lag, 0, oldest);
	else
		metric_set(&lag, 0, clock_now_us() - oldest);
}

struct metrics_source installation_metrics(void)
{
	for (const struct metric *const *m = shown; *m; m++)
		forget(*m);
	atomic_store(&oldest_us, METRIC_NOT_KNOWN);
	return (struct metrics_source){ shown, refresh, NULL };
}
