#include "lmtpd/listener.h"

#include "base/clock.h"
#include "conf/daemon.h"
#include "lmtpd/metrics.h"
#include "lmtpd/reply.h"
#include "sys/io.h"
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ACCEPTS_MAX 64		      /* in a row, before signals are looked at again */
#define PAUSE CLOCK_SECOND	      /* without descriptors or threads */
#define CUT_GRACE (10 * CLOCK_SECOND) /* for threads whose connection was cut */
#define STEP (CLOCK_SECOND / 10)

/* ---- configuration ---- */

static void use_tls(struct server *server, struct tls_context *tls)
{
	pthread_mutex_lock(&server->tls_lock);
	tls_context_freep(&server->tls);
	server->tls = tls;
	pthread_mutex_unlock(&server->tls_lock);
}

int listener_configure(struct listener *l, const struct conf *c, struct err *e)
{
	CLEANUP(net_allow_freep) struct net_allow *peers = NULL;
	struct tls_context *tls = NULL;

	if (net_allow_parse(&peers, c->lmtpd_peers, e))
		return -1;
	if (c->lmtpd_tls_cert[0] && tls_context_new(&tls, c->lmtpd_tls_cert, c->lmtpd_tls_key,
					    c->lmtpd_tls_client_ca, e))
		return -1;
	use_tls(l->server, tls);
	net_allow_freep(&l->peers);
	l->peers = peers;
	peers = NULL;
	l->connections_max = c->lmtpd_connections_max;
	atomic_store(&l->server->timeout_us, c->lmtpd_timeout_us);
	return 0;
}

static int use_fresh(void *listener, const struct conf *fresh, struct err *e)
{
	return listener_configure(listener, fresh, e);
}

static void reload(struct listener *l)
{
	static const char *const names[] = { "lmtpd.peers", "lmtpd.connections_max", "lmtpd.timeout",
		"lmtpd.tls_cert", "lmtpd.tls_key", "lmtpd.tls_client_ca", NULL };

	daemon_reload(l->server->conf, l->conf_path, names, use_fresh, l);
}

/* ---- taking connections in ---- */

/* One packet fits any socket's buffer: nobody is waited for. */
static void refuse(int fd, enum reply r, const char *client)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(REPLY_LINE_MAX);

	log_warn(NULL, "connection from %s refused: %s", client, reply_code(r, false));
	if (reply_put(&line, r, false, NULL, NULL) ||
		send(fd, line.data, line.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug(NULL, "%s was not told: %s", client, strerror(errno));
}

static void admit(struct listener *l, int accepted, const struct sockaddr_storage *peer)
{
	_close_ int fd = accepted;
	char client[NET_NAME_SIZE];
	struct err e;

	net_peer_name(client, peer);
	if (!net_allow_has(l->peers, peer)) {
		metric_add(&lmtpd_refused, REFUSAL_NOT_A_PEER, 1);
		refuse(fd, REPLY_NOT_A_PEER, client);
	} else if (connections_count(&l->connections) >= l->connections_max) {
		metric_add(&lmtpd_refused, REFUSAL_TOO_MANY, 1);
		refuse(fd, REPLY_TOO_MANY_CONNECTIONS, client);
	} else if (connections_add(&l->connections, l->server, fd, peer, &e)) {
		log_error(NULL, "%s", e.text);
		refuse(fd, REPLY_TOO_MANY_CONNECTIONS, client);
	} else {
		fd = -1;
	}
}

static void accept_some(struct listener *l, int socket)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t n = sizeof(peer);
		const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
		int fd = accept4(socket, (struct sockaddr *)&peer, &n, flags);

		if (fd >= 0) {
			admit(l, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_error(NULL, "accept() failed: %s", strerror(errno));
			proc_poll(NULL, 0, PAUSE);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void serve(struct listener *l)
{
	int64_t reopen_at = clock_monotonic_us() + DOOR_RETRY;
	struct pollfd p[PROC_POLL_MAX];

	for (size_t i = 0; i < l->sockets.n; i++)
		p[i] = (struct pollfd){ .fd = l->sockets.items[i].fd, .events = POLLIN };
	for (;;) {
		bool open = door_is_open(&l->server->door);

		proc_poll(p, l->sockets.n, open ? -1 : DOOR_RETRY);
		switch (proc_wait(0)) {
		case PROC_STOP:
			return;
		case PROC_RELOAD:
			reload(l);
			break;
		case PROC_TIMEOUT:
			break;
		}
		for (size_t i = 0; i < l->sockets.n; i++)
			if (p[i].revents)
				accept_some(l, p[i].fd);
		if (!open && clock_monotonic_us() >= reopen_at) { /* not at each connection */
			door_try(&l->server->door);
			reopen_at = clock_monotonic_us() + DOOR_RETRY;
		}
	}
}

/* ---- the end ---- */

/* Waits until all are gone, the time is over or, with hurry, another SIGTERM came; whether all are
 * gone. */
static bool wait_for_all(struct listener *l, int64_t time_us, bool hurry)
{
	int64_t deadline = clock_monotonic_us() + time_us;

	while (connections_count(&l->connections) > 0 && clock_monotonic_us() < deadline)
		if (proc_wait(STEP) == PROC_STOP && hurry)
			break;
	return connections_count(&l->connections) == 0;
}

static int stop(struct listener *l)
{
	proc_stopping();
	atomic_store(&l->server->stopping, true);
	if (eventfd_write(l->server->stop_fd, 1))
		log_error(NULL, "eventfd_write() failed: %s", strerror(errno));
	net_listeners_deinit(&l->sockets);
	if (wait_for_all(l, LISTENER_GRACE, true))
		return 0;
	log_warn(NULL, "%zu connections are cut in the middle of a message",
		connections_count(&l->connections));
	connections_cut(&l->connections);
	return wait_for_all(l, CUT_GRACE, false) ? 0 : -1;
}

/* poll() tells of a client that may be gone before accept(): which must not wait for the next one
 * then. */
static int prepare(struct listener *l, struct err *e)
{
	if (l->sockets.n > PROC_POLL_MAX)
		return err_permanent(e, "listen() failed: more than %d addresses", PROC_POLL_MAX);
	for (size_t i = 0; i < l->sockets.n; i++)
		if (fcntl(l->sockets.items[i].fd, F_SETFL, O_NONBLOCK))
			return err_errno(e, "fcntl", l->sockets.items[i].address);
	l->server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return l->server->stop_fd < 0 ? err_errno(e, "eventfd", "") : 0;
}

int listener_run(struct listener *l)
{
	struct err e;

	if (prepare(l, &e)) {
		log_error(NULL, "%s", e.text);
		return -1;
	}
	for (size_t i = 0; i < l->sockets.n; i++)
		log_info(NULL, "listening at %s", l->sockets.items[i].address);
	proc_ready();
	serve(l);
	return stop(l);
}
