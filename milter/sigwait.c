/* libmilter starts a thread that sits in sigwait() and takes SIGHUP, SIGTERM and SIGINT for orders to stop at once. It
 * can't be told not to, and it would race sys/proc.h for each signal. So the program brings a sigwait() of its own, which
 * the dynamic linker prefers to the C library's: that thread waits for ever. Nothing else here calls it. */
#include <signal.h>
#include <unistd.h>

int sigwait(const sigset_t *restrict set, int *restrict signal_r)
{
	(void)set;
	(void)signal_r;
	for (;;)
		pause();
}
