/* sandbox: taking away from the calling process everything but thinking and its open descriptors.
 * For good.
 *
 * No file, no socket, no process, no program can be opened, made or run afterwards; memory can be
 * had but neither executed nor shared. Done with resource limits, an empty capability set, no_new_privs, Landlock
 * (where the kernel has it) and a seccomp allow-list. A forbidden call that only an attacker would
 * try ends the process (SIGSYS); the rest fail with ENOSYS, which libraries survive. Built with a
 * sanitizer the address space is not limited and nothing ends the process, for the sanitizer's own
 * reports need both. */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include "base/err.h"

#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

struct sandbox_limits {
	uint64_t memory;      /* bytes of address space; 0: not limited */
	uint64_t cpu_seconds; /* of the process's whole life */
	uint64_t descriptors; /* highest number of open descriptors */
};

/* Call with one thread, after everything is initialised and loaded. 0, or -1 when any part but
 * Landlock can't be had. */
int sandbox_enter(const struct sandbox_limits *limits, struct err *e) MUST_CHECK;

#endif
