/* server: the HTTPS listener: libmicrohttpd with a thread for each connection. */
#ifndef QUERYD_SERVER_H
#define QUERYD_SERVER_H

#include "queryd/service.h"
#include "sys/net.h"

struct server;

/* Serves on the listeners, and on those that are for clients with a certificate (tls_load_clients() must have been called,
 * unless there are none); their sockets stay the caller's and must outlive the server. tls_load() must have been called. */
int server_start(struct server **s_r, struct service *service, const struct net_listeners *l,
	const struct net_listeners *for_clients, struct err *e) MUST_CHECK;

/* Takes no more connections, lets the requests under way get their answers, at most timeout_us, and stops. */
void server_stop(struct server **s, int64_t timeout_us);

#endif
