/* callback: the door to libmilter, and the only file that knows its types. Turns its callbacks into calls of transaction.h
 * and verdicts into its codes.
 *
 * Steps that need no answer are not answered over a Unix socket (SMFIP_NR_*). Over TCP every step is: there a packet that
 * follows a packet in the same direction waits about 40 ms for an acknowledgement that is delayed (Nagle's algorithm). */
#ifndef MILTER_CALLBACK_H
#define MILTER_CALLBACK_H

#include "milter/server.h"
#include "sys/net.h"

/* Serves `listener` (its descriptor is copied) in threads of libmilter until the process ends. Once in a process. When
 * libmilter gives up by itself the process gets a SIGTERM. server lives as long as the process. */
int callback_start(struct server *server, const struct net_listener *listener, struct err *e) MUST_CHECK;

/* Did libmilter give up? */
bool callback_gave_up(void);

#endif
