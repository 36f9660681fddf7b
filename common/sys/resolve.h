/* resolve: getaddrinfo() that gives up in time. The C library's has no limit but its own, many seconds when the name servers
 * say nothing, and it can't be stopped: a look-up that is given up goes on in a thread of its own, which nobody waits for.
 * Any thread may call. */
#ifndef SYS_RESOLVE_H
#define SYS_RESOLVE_H

#include "base/err.h"

#include <netdb.h>
#include <stdint.h>

#define RESOLVE_AT_ONCE_MAX 32 /* look-ups under way in a process; more fail at once */

/* The addresses of host and port (a number) for stream sockets; the caller frees them with freeaddrinfo(). deadline_us is
 * monotonic. Numeric addresses need no thread. -1: temporary when the name servers don't answer, or not in time; permanent
 * when there is no such name. */
int resolve_host(struct addrinfo **found_r, const char *host, const char *port, int64_t deadline_us, struct err *e) MUST_CHECK;

#endif
