/* listener: the main thread's work: takes connections in, refuses those that may not or can't be
 * served, reloads the configuration, and brings everything to an orderly end. */
#ifndef LMTPD_LISTENER_H
#define LMTPD_LISTENER_H

#include "lmtpd/connections.h"
#include "sys/net.h"

struct listener {
	struct server *server;
	struct net_listeners sockets;
	struct connections connections;
	struct net_allow *peers;
	_Atomic uint64_t connections_max; /* changed by a reload */
	const char *conf_path; /* as given to conf_load() */
};

/* Sets what a reload can change by c: peers, TLS files, time-out, limit of connections. -1: nothing
 * changed. */
int listener_configure(struct listener *l, const struct conf *c, struct err *e) MUST_CHECK;

/* Serves until SIGTERM, then ends in good order: idle clients get 421, messages under way are
 * finished and answered for up to LISTENER_GRACE, or until a second SIGTERM. -1 when a session
 * would not end: its archive must not be closed. */
#define LISTENER_GRACE (INT64_C(30) * 1000 * 1000)
int listener_run(struct listener *l) MUST_CHECK;

#endif
