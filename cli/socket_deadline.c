#include "cli/socket_deadline.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

static volatile sig_atomic_t watched = -1;

static void shut(int number)
{
	int before = errno;

	(void)number;
	if (watched >= 0)
		shutdown(watched, SHUT_RDWR);
	errno = before;
}

static void set_timer(int64_t us)
{
	const struct itimerval timer = { .it_value = { (time_t)(us / CLOCK_SECOND), (suseconds_t)(us % CLOCK_SECOND) } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

void socket_deadline_begin(int fd, int64_t after_us)
{
	struct sigaction action = { .sa_handler = shut, .sa_flags = SA_RESTART };

	socket_deadline_end();
	sigaction(SIGALRM, &action, NULL);
	watched = fd;
	set_timer(after_us);
}

void socket_deadline_end(void)
{
	set_timer(0);
	watched = -1;
}
