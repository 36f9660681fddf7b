#include "sys/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's words, for headers older than the kernel. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
#define LANDLOCK_VERSION 1u /* flag: ask for the version */

struct landlock_attributes {
	uint64_t fs, net, scoped;
};

static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(close),
	SCMP_SYS(dup3),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(sched_yield),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* What no library tries by itself. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(ptrace),
	SCMP_SYS(socket),
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf),
	SCMP_SYS(keyctl),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(mount),
	SCMP_SYS(pidfd_getfd),
};

static int limit(int resource, rlim_t value, const char *name, struct err *e)
{
	struct rlimit old;

	if (getrlimit((__rlimit_resource_t)resource, &old))
		return err_errno(e, "getrlimit", name);
	if (old.rlim_max != RLIM_INFINITY && old.rlim_max < value)
		value = old.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &(struct rlimit){ value, value }))
		return err_errno(e, "setrlimit", name);
	return 0;
}

static int set_limits(const struct sandbox_limits *l, struct err *e)
{
	if (limit(RLIMIT_CORE, 0, "RLIMIT_CORE", e) || limit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE", e) ||
		limit(RLIMIT_CPU, (rlim_t)l->cpu_seconds, "RLIMIT_CPU", e) ||
		limit(RLIMIT_NOFILE, (rlim_t)l->descriptors, "RLIMIT_NOFILE", e))
		return -1;
	if (SANDBOX_SANITIZED || !l->memory)
		return 0;
	return limit(RLIMIT_AS, (rlim_t)l->memory, "RLIMIT_AS", e);
}

/* Who has none can't be refused to drop them: under the system call filter of the unit files capset itself is. */
static int drop_capabilities(struct err *e)
{
	static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, have))
		return err_errno(e, "capget", "self");
	if (memcmp(have, none, sizeof(none)) != 0 && syscall(SYS_capset, &header, none))
		return err_errno(e, "capset", "none");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno(e, "prctl", "PR_SET_NO_NEW_PRIVS");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_errno(e, "prctl", "PR_SET_DUMPABLE");
	return 0;
}

/* A ruleset that handles every access the kernel knows and allows none. Each version knows more:
 * ask for all of it. */
static int forbid_files(struct err *e)
{
	static const unsigned fs_bits[] = { 0, 13, 14, 15, 15, 16 };
	struct landlock_attributes all = { 0 };
	size_t size = sizeof(all.fs);
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

	if (version < 1)
		return 0; /* no Landlock here: seccomp alone has to do */
	size_t known =
		(size_t)version < ARRAY_LEN(fs_bits) ? (size_t)version : ARRAY_LEN(fs_bits) - 1;

	all.fs = (UINT64_C(1) << fs_bits[known]) - 1;
	if (version >= 4) {
		all.net = 3; /* TCP bind, TCP connect */
		size = sizeof(all.fs) + sizeof(all.net);
	}
	if (version >= 6) {
		all.scoped = 3; /* abstract Unix sockets, signals */
		size = sizeof(all);
	}
	int fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);

	if (fd < 0)
		return err_errno(e, "landlock_create_ruleset", "all");
	long result = syscall(SYS_landlock_restrict_self, fd, 0);

	close(fd);
	return result ? err_errno(e, "landlock_restrict_self", "all") : 0;
}

static int add_rules(scmp_filter_ctx filter)
{
	int failure = 0;

	for (size_t i = 0; i < ARRAY_LEN(allowed) && !failure; i++)
		failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!failure)
		failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_PRIVATE));
	if (!failure)
		failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; !SANDBOX_SANITIZED && i < ARRAY_LEN(deadly) && !failure; i++)
		failure = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	if (SANDBOX_SANITIZED && !failure)
		failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 0);
	return failure;
}

static int filter_calls(struct err *e)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int failure = filter ? add_rules(filter) : -ENOMEM;

	if (!failure)
		failure = seccomp_load(filter);
	seccomp_release(filter);
	if (failure) {
		errno = -failure;
		return err_errno(e, "seccomp_load", "allow-list");
	}
	return 0;
}

int sandbox_enter(const struct sandbox_limits *limits, struct err *e)
{
	return drop_capabilities(e) || forbid_files(e) || set_limits(limits, e) || filter_calls(e)
		       ? -1
		       : 0;
}
