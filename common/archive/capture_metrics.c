#include "archive/capture_metrics.h"

#include "archive/archive_private.h"
#include "archive/intake.h"

static const char *const stages[STAGES] = {
	[STAGE_RECEIVE] = "receive",
	[STAGE_PUT] = "put",
	[STAGE_PARSE] = "parse",
	[STAGE_COMMIT] = "commit",
	[STAGE_INDEX] = "index",
	[STAGE_WHOLE] = "whole",
};
static const char *const results[CAPTURE_RESULTS] = { [CAPTURE_NEW] = "new", [CAPTURE_KNOWN] = "known" };

/* What is NULL is no refusal. */
static const char *const reasons[INTAKE_OUTCOMES] = {
	[INTAKE_STOPPING] = "stopping",
	[INTAKE_NOT_READY] = "not_ready",
	[INTAKE_BUSY] = "busy",
	[INTAKE_NO_STORAGE] = "no_storage",
	[INTAKE_FAILED] = "failed",
	[INTAKE_TOO_MANY_RECIPIENTS] = "too_many_recipients",
	[INTAKE_TOO_LARGE] = "too_large",
};

static struct metric_histogram seconds_cells[STAGES];
static _Atomic int64_t messages_cells[CAPTURE_RESULTS], refusals_cells[INTAKE_OUTCOMES];
static _Atomic int64_t bytes_cell, commits_cell, open_cell, inflight_cell, inflight_max_cell, index_cell;

const struct metric capture_seconds = {
	.kind = METRIC_HISTOGRAM,
	.name = "strongroom_capture_seconds",
	.help = "How long messages take to be captured, by stage: receive (from the client), put (the object), parse (the put "
		"goes on meanwhile), commit (the database), index (that the reply waited for), whole (from the last byte on).",
	.labels = { { "stage", stages, STAGES } },
	.histograms = seconds_cells,
};
const struct metric capture_messages = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_capture_messages_total",
	.help = "Messages that were acknowledged: new ones, and known ones (brought again).",
	.labels = { { "result", results, CAPTURE_RESULTS } },
	.cells = messages_cells,
};
const struct metric capture_refusals = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_capture_refusals_total",
	.help = "Messages (too_many_recipients: recipients) that were not taken, by reason. All but too_large are tried again by "
		"the mail server.",
	.labels = { { "reason", reasons, INTAKE_OUTCOMES } },
	.cells = refusals_cells,
};
const struct metric capture_bytes = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_capture_bytes_total",
	.help = "Bytes of new messages.",
	.cells = &bytes_cell,
};
const struct metric capture_commits = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_capture_commits_total",
	.help = "Transactions in which new messages were recorded, many in one when many come.",
	.cells = &commits_cell,
};
static const struct metric is_open = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_archive_open",
	.help = "1 when the archive is open; 0: mail is put off until it can be opened.",
	.cells = &open_cell,
};
static const struct metric inflight = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_inflight_bytes",
	.help = "Bytes of messages under way.",
	.cells = &inflight_cell,
};
static const struct metric inflight_max = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_inflight_max_bytes",
	.help = "How many there may be (inflight_max).",
	.cells = &inflight_max_cell,
};
static const struct metric index_open_metric = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_index_open",
	.help = "1 when the index takes documents; 0: messages wait on the outbox.",
	.cells = &index_cell,
};

const struct metric *const capture_metrics[] = { &capture_seconds, &capture_messages, &capture_refusals, &capture_bytes,
	&capture_commits, &is_open, &inflight, &inflight_max, &index_open_metric, NULL };

int64_t capture_stage(enum capture_stage s, int64_t began_us)
{
	int64_t now_us = clock_monotonic_us();

	metric_observe(&capture_seconds, s, now_us - began_us);
	return now_us;
}

void capture_metrics_refresh(void *door)
{
	struct door *d = door;
	struct archive *a = atomic_load(&d->archive);
	struct err e;

	metric_set(&is_open, 0, a != NULL);
	metric_set(&inflight, 0, a ? (int64_t)atomic_load(&a->admission.taken) : 0);
	metric_set(&inflight_max, 0, (int64_t)d->conf->inflight_max);
	metric_set(&index_open_metric, 0, a && indexer_ready(a->indexer, &e) == 0);
}
