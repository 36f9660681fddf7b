/* progress: a line on a terminal that is written over and over, and a clean end on Ctrl-C. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
	int64_t shown_us; /* monotonic; 0: the line is empty */
};

#define PROGRESS_INIT ((struct progress){ 0 })

/* Writes the line to standard error if that is a terminal, a few times a second at most. */
void progress_show(struct progress *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Takes the line away, before other output. */
void progress_end(struct progress *p);

/* From now on the first SIGINT or SIGTERM only makes progress_stopped() true; a second one ends the program. */
void progress_catch_signals(void);
bool progress_stopped(void);

#endif
