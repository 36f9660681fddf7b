#include "queryd/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "queryd/exchange.h"
#include "queryd/tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define STACK_SIZE (256u * 1024)
#define POOL_SIZE (128u * 1024) /* well over REQUEST_HEAD_MAX: a head that is too large can be read and answered */

struct door {
	const struct net_listener *listener;
	struct MHD_Daemon *daemon;
};

struct server {
	struct exchange_host host, host_of_clients; /* the other asks for certificates */
	struct door *doors;
	size_t n;
};

PRINTF_LIKE(2, 0) static void log_library(void *ctx, const char *fmt, va_list args)
{
	char text[256];

	(void)ctx;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug(NULL, "libmicrohttpd: %s", text);
}

static void panic(void *ctx, const char *file, unsigned line, const char *reason)
{
	(void)ctx;
	log_fatal(NULL, "libmicrohttpd: %s:%u: %s", file, line, reason ? reason : "panic");
}

static struct MHD_Daemon *start(struct exchange_host *h, int fd, const char *authorities)
{
	const struct conf *conf = h->service->conf;
	unsigned silence_s = (unsigned)((conf->queryd_request_timeout_us + CLOCK_SECOND - 1) / CLOCK_SECOND);
	const unsigned flags = MHD_USE_TLS | MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC |
		MHD_USE_ERROR_LOG;

	return MHD_start_daemon(flags, 0, NULL, NULL, exchange_handle, h,
		MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_HTTPS_CERT_CALLBACK, tls_retrieve,
		MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_SIZE,
		MHD_OPTION_CONNECTION_TIMEOUT, silence_s,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->queryd_connections_max,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)conf->queryd_connections_per_address_max,
		MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, h,
		MHD_OPTION_UNESCAPE_CALLBACK, exchange_unescape, h,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_end, h,
		MHD_OPTION_NOTIFY_CONNECTION, exchange_connection, h,
		authorities ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, authorities,
		MHD_OPTION_END);
}

static int open_doors(struct server *s, struct exchange_host *h, const struct net_listeners *l, const char *authorities,
	struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		struct MHD_Daemon *daemon = start(h, l->items[i].fd, authorities);

		if (!daemon)
			return err_errno(e, "MHD_start_daemon", l->items[i].address);
		s->doors[s->n++] = (struct door){ &l->items[i], daemon };
		log_info(NULL, "listening on %s%s", l->items[i].address, authorities ? ", with client certificates" : "");
	}
	return 0;
}

int server_start(struct server **s_r, struct service *service, const struct net_listeners *l,
	const struct net_listeners *for_clients, struct err *e)
{
	struct server *s = MEM_NEW(struct server);

	MHD_set_panic_func(panic, NULL);
	s->host.service = service;
	s->doors = MEM_ARRAY(struct door, l->n + for_clients->n);
	int failed = connections_start(&s->host.connections, service->conf->queryd_request_timeout_us, e);

	s->host_of_clients = s->host;
	s->host_of_clients.certificates = true;
	if (failed || open_doors(s, &s->host, l, NULL, e) || open_doors(s, &s->host_of_clients, for_clients, tls_clients_pem(), e)) {
		server_stop(&s, 0);
		return -1;
	}
	*s_r = s;
	return 0;
}

/* New clients are refused at once, rather than left in the queue until the end. A socket of systemd's keeps them for the
 * next process. It may not be closed before its daemon is stopped. */
static void stop_listening(const struct door *d)
{
	MHD_quiesce_daemon(d->daemon);
	if (!d->listener->inherited)
		shutdown(d->listener->fd, SHUT_RDWR);
}

void server_stop(struct server **s, int64_t timeout_us)
{
	struct server *server = *s;

	for (size_t i = 0; i < server->n; i++)
		stop_listening(&server->doors[i]);
	unsigned left = server->host.connections ? connections_drain(server->host.connections, timeout_us) : 0;

	if (left)
		log_warn(NULL, "%u answers were cut off", left);
	for (size_t i = 0; i < server->n; i++)
		MHD_stop_daemon(server->doors[i].daemon);
	connections_stopp(&server->host.connections);
	free(server->doors);
	free(server);
	*s = NULL;
}
