/* check_socket: may an account use a Unix socket? */
#ifndef CLI_CHECK_SOCKET_H
#define CLI_CHECK_SOCKET_H

#include "cli/check.h"

/* Reports when the socket at path isn't there, or when its rights, or those of a directory above it, keep the mail server's
 * account from it. */
void check_socket(struct check *c, const char *path, const char *user);

#endif
