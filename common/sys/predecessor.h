/* predecessor: patience with a daemon of ours that was killed a moment ago.
 *
 * A process that is killed while it starts another (posix_spawn() of a parser) leaves a child that holds copies of all
 * its descriptors, the listening sockets and the locked pid file among them, until it gets to its execve(). On a busy
 * machine that takes a while, in which whoever is started anew would be told that somebody else is at work. */
#ifndef SYS_PREDECESSOR_H
#define SYS_PREDECESSOR_H

#include <stdbool.h>
#include <stdint.h>

/* What was wanted is taken. True after a short sleep: try again; false when it has been taken for two seconds since the
 * first call: somebody has it. *until_us is 0 at first. Keeps errno. */
bool predecessor_may_go(int64_t *until_us);

#endif
