/* parser_metrics: how often parser workers were replaced, and why. */
#ifndef MAIL_PARSER_METRICS_H
#define MAIL_PARSER_METRICS_H

#include "sys/metrics.h"

enum parser_end {
	PARSER_SERVED_ITS_TURN, /* nothing was wrong */
	PARSER_TOOK_TOO_LONG,
	PARSER_ENDED_AT_WORK, /* or answered nonsense */
	PARSER_ENDED_IDLE,
	PARSER_ENDS,
};

extern const struct metric parser_replaced; /* by enum parser_end */

#endif
