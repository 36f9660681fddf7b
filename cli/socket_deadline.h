/* socket_deadline: shuts a socket down when its time is over, for libraries that wait without an end: libldap does in a TLS
 * handshake, and in the middle of an answer. One at a time in a process; it uses SIGALRM. */
#ifndef CLI_SOCKET_DEADLINE_H
#define CLI_SOCKET_DEADLINE_H

#include <stdint.h>

/* From now on, in the place of the one before. fd must stay open until socket_deadline_end(). */
void socket_deadline_begin(int fd, int64_t after_us);
void socket_deadline_end(void);

#endif
