#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "sys/io.h"
#include "sys/proc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_proc.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* What f says in a process of its own, which proc changes for good: its exit status. */
static int in_child(int (*f)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(f());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define CHECK(condition)                 \
	do {                             \
		if (!(condition))        \
			return __LINE__ % 256; \
	} while (0)

static int tells_signals_apart(void)
{
	int pair[2];

	proc_init("test_proc");
	CHECK(proc_wait(0) == PROC_TIMEOUT);
	raise(SIGHUP);
	raise(SIGPIPE);
	CHECK(proc_wait(-1) == PROC_RELOAD);
	raise(SIGTERM);
	CHECK(proc_wait(-1) == PROC_STOP);
	raise(SIGINT);
	CHECK(proc_wait(-1) == PROC_STOP);
	CHECK(proc_wait(1000) == PROC_TIMEOUT);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	struct pollfd p = { .fd = pair[0], .events = POLLIN };

	CHECK(proc_poll(&p, 1, 1000) == 0);
	CHECK(write(pair[1], "x", 1) == 1);
	CHECK(proc_poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	raise(SIGHUP);
	p.fd = -1;
	CHECK(proc_poll(&p, 1, -1) == 1 && p.revents == 0);
	return 0;
}

static void test_signals(void **state)
{
	(void)state;
	assert_int_equal(in_child(tells_signals_apart), 0);
}

static int drops(void)
{
	struct err e;

	proc_init("test_proc");
	CHECK(proc_drop("nobody", &e) == 0);
	CHECK(getuid() != 0 && geteuid() == getuid() && getgid() != 0);
	CHECK(setuid(0) == -1);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	return 0;
}

static int drops_to_nobody_known(void)
{
	struct err e;

	proc_init("test_proc");
	CHECK(proc_drop("no-such-account", &e) == -1 && e.class == ERR_PERMANENT && getuid() == 0);
	return 0;
}

static void test_drop(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(drops), 0);
	assert_int_equal(in_child(drops_to_nobody_known), 0);
}

static int is_refused(void)
{
	struct err e;

	CHECK(proc_pidfile(dir, "p", &e) == -1 && e.class == ERR_TEMPORARY);
	_free_ char *us = mem_printf("process %d is running", (int)getppid());

	CHECK(strstr(e.text, us));
	return 0;
}

static void test_pidfile_is_held(void **state)
{
	_free_ char *path = mem_printf("%s/p.pid", dir), *pid = mem_printf("%d\n", (int)getpid());
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(0);
	struct err e;

	(void)state;
	assert_int_equal(io_replace_file(path, "123456789\n", 10, 0644, &e),
		0); /* left over from before */
	assert_int_equal(proc_pidfile(dir, "p", &e), 0);
	assert_int_equal(io_read_file(&b, path, 100, &e), 0);
	assert_string_equal(b.data, pid);
	assert_int_equal(in_child(is_refused), 0);
	assert_int_equal(unlink(path), 0);
}

/* A process that was killed while it started another leaves a child with its lock for a moment. */
static int waits_for_a_predecessor(void)
{
	_free_ char *path = mem_printf("%s/p.pid", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	struct err e;

	CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		usleep(300000);
		_exit(0);
	}
	close(fd);
	CHECK(proc_pidfile(dir, "p", &e) == 0);
	CHECK(waitpid(child, NULL, 0) == child && unlink(path) == 0);
	return 0;
}

static void test_pidfile_of_a_predecessor(void **state)
{
	(void)state;
	assert_int_equal(in_child(waits_for_a_predecessor), 0);
}

static int notifies(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char message[64] = "";

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/notify", dir);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	CHECK(bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	setenv("NOTIFY_SOCKET", un.sun_path, 1);
	setenv("WATCHDOG_USEC", "20000", 1);
	close(STDERR_FILENO);
	proc_init("test_proc");
	proc_ready();
	CHECK(recv(fd, message, sizeof(message) - 1, 0) > 0 && strcmp(message, "READY=1") == 0);
	CHECK(proc_wait(100 * 1000) == PROC_TIMEOUT);
	int alive = 0;

	while (memset(message, 0, sizeof(message)), recv(fd, message, sizeof(message) - 1, 0) > 0)
		alive += strcmp(message, "WATCHDOG=1") == 0;
	CHECK(alive >= 2);
	unlink(un.sun_path);
	return 0;
}

static void test_systemd_is_told(void **state)
{
	(void)state;
	assert_int_equal(in_child(notifies), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_drop),
		TEST(test_pidfile_is_held),
		TEST(test_pidfile_of_a_predecessor),
		TEST(test_systemd_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
