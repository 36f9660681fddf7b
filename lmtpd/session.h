/* session: one LMTP connection from greeting to end, one function a state. */
#ifndef LMTPD_SESSION_H
#define LMTPD_SESSION_H

#include "lmtpd/server.h"

#include <stdbool.h>

/* Serves the client on fd (non-blocking; stays the caller's) until either side ends it. client: its
 * name for log and record. trusted: by a Unix socket, where TLS is not asked for. */
void session_run(struct server *server, int fd, const char *client, bool trusted);

#endif
