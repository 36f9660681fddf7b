#include "cli/progress.h"

#include "base/clock.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL_US (CLOCK_SECOND / 5)

static atomic_bool stopped; /* written by a signal handler, read by any thread */

void progress_show(struct progress *p, const char *fmt, ...)
{
	int64_t now = clock_monotonic_us();
	va_list args;

	if ((p->shown_us && now - p->shown_us < INTERVAL_US) || !isatty(STDERR_FILENO))
		return;
	p->shown_us = now;
	fputs("\r\033[K", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown_us)
		fputs("\r\033[K", stderr);
	p->shown_us = 0;
}

static void on_signal(int number)
{
	(void)number;
	stopped = true;
}

void progress_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool progress_stopped(void)
{
	return stopped;
}
