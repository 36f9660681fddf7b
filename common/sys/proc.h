/* proc: the life of a daemon: start, readiness, reload, end.
 *
 *	proc_init → open sockets and files that need rights → proc_drop → threads → proc_ready → loop on proc_wait → end
 *
 * Signals are blocked in every thread and read from one descriptor: SIGTERM and SIGINT ask for a graceful end, SIGHUP
 * for a reload. Messages to systemd (sd_notify) are sent where NOTIFY_SOCKET is set. */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum proc_event { PROC_STOP, PROC_RELOAD, PROC_TIMEOUT };

/* Call first in main(), before any thread: log_init, C.UTF-8 for LC_CTYPE, umask 077, SIGPIPE ignored, signals blocked. */
void proc_init(const char *program);

/* From root to the account `user` (its groups too), for good; does nothing when user is "" or we are not root. Core dumps
 * are off and no new privileges can be had afterwards. */
int proc_drop(const char *user, struct err *e) MUST_CHECK;

/* Writes <run_dir>/<program>.pid, holding an exclusive lock on it until the process ends. -1 temporary
 * when another one runs and goes on (sys/predecessor.h). */
int proc_pidfile(const char *run_dir, const char *program, struct err *e) MUST_CHECK;

/* From here on the calling thread, and what it starts, gives way to others (nice 10), for good. It must take no lock that
 * threads in a hurry wait for. */
void proc_background(void);

/* READY=1 / STATUS= / STOPPING=1 to systemd, and the same in the log. */
void proc_ready(void);
void proc_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
void proc_stopping(void);

/* Waits for the next signal or timeout_us (-1: for ever). Sends the watchdog's keep-alive while it waits. Main thread. */
enum proc_event proc_wait(int64_t timeout_us);

/* poll() over fds, for a loop that also serves sockets: returns its result early when a signal is pending, and keeps the
 * watchdog alive meanwhile. Ask proc_wait(0) which signal it was. At most PROC_POLL_MAX of them. Main thread. */
struct pollfd;
#define PROC_POLL_MAX 64
int proc_poll(struct pollfd *fds, size_t n, int64_t timeout_us);

/* The descriptor behind proc_wait(), readable when a signal is pending, for loops that poll. */
int proc_signal_fd(void);

#endif
