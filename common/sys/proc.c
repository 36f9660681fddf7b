#include "sys/proc.h"

#include "base/clock.h"
#include "base/log.h"
#include "sys/io.h"
#include "sys/predecessor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <locale.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define PASSWD_SIZE 16384
#define BACKGROUND_NICE 10

static int signal_fd = -1;
static int pid_fd = -1;		  /* keeps its lock until the process ends */
static int64_t keep_alive_us;	  /* between two messages to the watchdog; 0: there is none */
static int64_t keep_alive_due_us; /* monotonic */

void proc_init(const char *program)
{
	uint64_t limit = 0;
	sigset_t wanted;

	log_init(program, LOG_INFO);
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &wanted, NULL);
	signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		log_fatal(NULL, "signalfd() failed: %s", strerror(errno));
	if (sd_watchdog_enabled(0, &limit) > 0)
		keep_alive_us = (int64_t)(limit / 2);
}

static int become(const char *user, struct err *e)
{
	char storage[PASSWD_SIZE];
	struct passwd entry, *found = NULL;
	int failed = getpwnam_r(user, &entry, storage, sizeof(storage), &found);

	if (!found)
		return err_permanent(e, "getpwnam(%s) failed: %s", user,
			failed ? strerror(failed) : "no such account");
	if (initgroups(user, entry.pw_gid))
		return err_errno(e, "initgroups", user);
	if (setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid))
		return err_errno(e, "setresgid", user);
	if (setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid))
		return err_errno(e, "setresuid", user);
	if (entry.pw_uid != 0 && setuid(0) == 0)
		return err_permanent(e, "setresuid(%s) failed: root can be had again", user);
	return 0;
}

int proc_drop(const char *user, struct err *e)
{
	const struct rlimit none = { 0, 0 };

	if (user[0] && geteuid() == 0 && become(user, e))
		return -1;
	if (setrlimit(RLIMIT_CORE, &none))
		return err_errno(e, "setrlimit", "RLIMIT_CORE");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_errno(e, "prctl", "PR_SET_DUMPABLE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno(e, "prctl", "PR_SET_NO_NEW_PRIVS");
	return 0;
}

/* Who holds the lock, for the message. */
static int in_use(int fd, const char *path, struct err *e)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return err_temporary(e, "flock(%s) failed: process %s is running already", path,
		pid[0] ? pid : "?");
}

int proc_pidfile(const char *run_dir, const char *program, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s.pid", run_dir, program);
	_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	char line[16];
	int n = snprintf(line, sizeof(line), "%d\n", (int)getpid());
	int64_t until_us = 0;

	if (fd < 0)
		return err_errno(e, "open", path);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return err_errno(e, "flock", path);
		if (!predecessor_may_go(&until_us))
			return in_use(fd, path, e);
	}
	if (fchmod(fd, 0644) || ftruncate(fd, 0) || io_write_all(fd, line, (size_t)n))
		return err_errno(e, "write", path);
	pid_fd = fd;
	fd = -1;
	return 0;
}

void proc_ready(void)
{
	sd_notify(0, "READY=1");
	log_info(NULL, "ready");
}

void proc_status(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sd_notifyf(0, "STATUS=%s", text);
	log_info(NULL, "%s", text);
}

void proc_stopping(void)
{
	sd_notify(0, "STOPPING=1");
	log_info(NULL, "stopping");
}

static void keep_alive(int64_t now_us)
{
	if (!keep_alive_us || now_us < keep_alive_due_us)
		return;
	sd_notify(0, "WATCHDOG=1");
	keep_alive_due_us = now_us + keep_alive_us;
}

/* Milliseconds that poll may wait: up to the deadline (-1: none) and to the next message to the
 * watchdog. */
static int poll_ms(int64_t now_us, int64_t deadline_us)
{
	int64_t until = deadline_us;

	if (keep_alive_us && (until < 0 || keep_alive_due_us < until))
		until = keep_alive_due_us;
	if (until < 0)
		return -1;
	if (until <= now_us)
		return 0;
	int64_t ms = (until - now_us + 999) / 1000;

	return ms > 3600 * 1000 ? 3600 * 1000 : (int)ms;
}

int proc_poll(struct pollfd *fds, size_t n, int64_t timeout_us)
{
	int64_t now = clock_monotonic_us();
	int64_t deadline = timeout_us < 0 ? -1 : now + timeout_us;
	struct pollfd all[PROC_POLL_MAX + 1];
	int ready;

	if (n > PROC_POLL_MAX)
		log_fatal(NULL, "proc_poll() failed: %zu descriptors", n);
	for (size_t i = 0; i < n; i++)
		all[i] = fds[i];
	all[n] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
	do {
		keep_alive(now);
		ready = poll(all, n + 1, poll_ms(now, deadline));
		if (ready < 0 && errno != EINTR)
			log_fatal(NULL, "poll() failed: %s", strerror(errno));
		now = clock_monotonic_us();
	} while (ready <= 0 && (deadline < 0 || now < deadline));
	for (size_t i = 0; i < n; i++)
		fds[i].revents = all[i].revents;
	return ready;
}

void proc_background(void)
{
	errno = 0;
	if (nice(BACKGROUND_NICE) < 0 && errno) /* of this thread alone: Linux keeps it by thread */
		log_debug(NULL, "nice(%d) failed: %s", BACKGROUND_NICE, strerror(errno));
}

enum proc_event proc_wait(int64_t timeout_us)
{
	int64_t now = clock_monotonic_us();
	int64_t deadline = timeout_us < 0 ? -1 : now + timeout_us;
	struct signalfd_siginfo info;

	for (;;) {
		keep_alive(now);
		if (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			return info.ssi_signo == SIGHUP ? PROC_RELOAD : PROC_STOP;
		if (deadline >= 0 && now >= deadline)
			return PROC_TIMEOUT;
		proc_poll(NULL, 0, deadline < 0 ? -1 : deadline - now);
		now = clock_monotonic_us();
	}
}

int proc_signal_fd(void)
{
	return signal_fd;
}
