#include "mail/parser_metrics.h"

static const char *const reasons[PARSER_ENDS] = {
	[PARSER_SERVED_ITS_TURN] = "turn",
	[PARSER_TOOK_TOO_LONG] = "hung",
	[PARSER_ENDED_AT_WORK] = "died",
	[PARSER_ENDED_IDLE] = "idle",
};
static _Atomic int64_t cells[PARSER_ENDS];

const struct metric parser_replaced = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_parser_workers_replaced_total",
	.help = "Parser workers that were replaced: turn (served as many messages as one does), hung, died (on a message), "
		"idle (between two).",
	.labels = { { "reason", reasons, PARSER_ENDS } },
	.cells = cells,
};
