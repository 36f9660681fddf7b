#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs f in a child inside the sandbox; the wait status. f returns the exit status. */
static int in_sandbox(int (*f)(void))
{
	struct sandbox_limits limits = {
		.memory = UINT64_C(256) << 20, .cpu_seconds = 1, .descriptors = 16 };
	struct err e;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(sandbox_enter(&limits, &e) ? 99 : f());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int exits(int (*f)(void))
{
	int status = in_sandbox(f);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int work(void)
{
	char *p = malloc(10 << 20);

	memset(p, 1, 10 << 20);
	p = realloc(p, 20 << 20);
	free(p);
	return write(STDERR_FILENO, "", 0) == 0 ? 7 : 1;
}

static int open_file(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 ? 0 : 1;
}

static int open_at(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) < 0 ? 0 : 1;
}

static int look(void)
{
	struct stat st;

	return stat("/etc/passwd", &st) < 0 ? 0 : 1;
}

static int make_file(void)
{
	return open("/tmp/sandbox-escape", O_CREAT | O_WRONLY, 0600) < 0 &&
			       mkdir("/tmp/sandbox-escape", 0700) < 0
		       ? 0
		       : 1;
}

static int send_signal(void)
{
	return kill(getppid(), SIGTERM) < 0 ? 0 : 1;
}

static int make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0)
		return 1;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? 0
		       : 1;
}

static int share_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : 1;
}

static int loop(void)
{
	for (volatile int on = 1; on;)
		continue;
	return 0;
}

static int hoard(void)
{
	for (int i = 0; i < 100; i++) {
		void *p = mmap(
			NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 0;
	}
	return 1;
}

static int open_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 0 : 1;
}

static int connect_out(void)
{
	struct sockaddr a = { .sa_family = AF_UNIX };

	return connect(0, &a, sizeof(a)) ? 0 : 1;
}

static int run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 0;
}

static int start_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 ? 0 : 1;
}

static void test_thinking_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(exits(work), 7);
}

static void test_the_rest_fails(void **state)
{
	(void)state;
	assert_int_equal(exits(open_file), 0);
	assert_int_equal(exits(open_at), 0);
	assert_int_equal(exits(look), 0);
	assert_int_equal(exits(make_file), 0);
	assert_int_equal(access("/tmp/sandbox-escape", F_OK), -1);
	assert_int_equal(exits(send_signal), 0);
	assert_int_equal(exits(make_code), 0);
	assert_int_equal(exits(share_memory), 0);
	assert_int_equal(exits(start_process), 0);
}

static void test_attacks_end_it(void **state)
{
	int (*const attacks[])(void) = { open_socket, connect_out, run_program };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
		assert_int_equal(exits(attacks[i]), SANDBOX_SANITIZED ? 0 : -SIGSYS);
}

/* Unit files refuse capset to daemons that have no capability to give up. */
static int enter_without_capset(void)
{
	struct sandbox_limits limits = { .cpu_seconds = 1, .descriptors = 16 };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct err e;

	if (syscall(SYS_capset, &header, none) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0) ||
		seccomp_load(filter))
		return 98;
	return sandbox_enter(&limits, &e) ? 99 : 0;
}

static void test_nothing_to_give_up(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(enter_without_capset());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_limits(void **state)
{
	(void)state;
	int ended = exits(loop);

	assert_true(ended == -SIGKILL || ended == -SIGXCPU);
	if (!SANDBOX_SANITIZED)
		assert_int_equal(exits(hoard), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thinking_is_allowed),
		cmocka_unit_test(test_the_rest_fails),
		cmocka_unit_test(test_attacks_end_it),
		cmocka_unit_test(test_nothing_to_give_up),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
