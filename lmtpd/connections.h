/* connections: the clients that are being served, a thread each. */
#ifndef LMTPD_CONNECTIONS_H
#define LMTPD_CONNECTIONS_H

#include "lmtpd/server.h"

#include <sys/socket.h>

/* A session needs little; what goes deep (SQL, TLS) was measured to stay well under this. */
#define CONNECTION_STACK_SIZE ((size_t)256 * 1024)

struct connections {
	pthread_mutex_t lock;
	struct connection *first;
	size_t n;
};

#define CONNECTIONS_INIT ((struct connections){ .lock = PTHREAD_MUTEX_INITIALIZER })

/* Serves fd in a thread of its own; fd becomes its. -1 when there is no thread to be had (fd stays
 * the caller's). */
int connections_add(struct connections *cs, struct server *server, int fd,
	const struct sockaddr_storage *peer, struct err *e) MUST_CHECK;

size_t connections_count(struct connections *cs);

/* Cuts every connection: what is not answered yet will not be. The threads end soon after. */
void connections_cut(struct connections *cs);

#endif
