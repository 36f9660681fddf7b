/* capture_metrics: what the daemons that take mail count and measure on its way in. */
#ifndef ARCHIVE_CAPTURE_METRICS_H
#define ARCHIVE_CAPTURE_METRICS_H

#include "archive/door.h"
#include "sys/metrics_server.h"

enum capture_stage {
	STAGE_RECEIVE, /* from the envelope's begin to the last byte */
	STAGE_PUT,     /* the object */
	STAGE_PARSE,   /* from its start until its answer is there; the object is put meanwhile */
	STAGE_COMMIT,  /* waiting for others included */
	STAGE_INDEX,   /* that the reply waited for */
	STAGE_WHOLE,   /* from the last byte until it is archived */
	STAGES,
};

/* How a message ended that was durable at the end. */
enum capture_result { CAPTURE_NEW, CAPTURE_KNOWN, CAPTURE_RESULTS };

extern const struct metric capture_seconds;   /* by stage */
extern const struct metric capture_messages;  /* by result */
extern const struct metric capture_refusals;  /* by enum intake_outcome */
extern const struct metric capture_bytes, capture_commits;

/* One more that took as long as since began_us (monotonic); the time now. */
int64_t capture_stage(enum capture_stage s, int64_t began_us);

/* All of these, and the state of the door that ctx, a struct door, is. */
extern const struct metric *const capture_metrics[];
void capture_metrics_refresh(void *door);

#endif
