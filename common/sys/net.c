#include "sys/net.h"

#include "base/clock.h"
#include "base/str.h"
#include "sys/io.h"
#include "sys/predecessor.h"
#include "sys/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 511
#define UNIX_MODE 0660
#define LISTEN_NAME_US (60 * CLOCK_SECOND) /* for the name of an address to listen at */

static void addrinfo_freep(struct addrinfo **a)
{
	if (*a)
		freeaddrinfo(*a);
}

static bool is_unix(const char *address)
{
	return str_istarts(address, "unix:");
}

static int unix_address(struct sockaddr_un *un_r, const char *address, struct err *e)
{
	const char *path = address + strlen("unix:");

	*un_r = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path[0] != '/' || strlen(path) >= sizeof(un_r->sun_path))
		return err_permanent(e, "address(%s) failed: no absolute path under %zu bytes",
			address, sizeof(un_r->sun_path));
	memcpy(un_r->sun_path, path, strlen(path));
	return 0;
}

/* "inet:host:port", "inet:[host]:port"; the prefix may be left out. text is taken apart; host and port are views of it. */
static int split(char *text, const char *address, char **host_r, char **port_r, struct err *e)
{
	char *host = text, *colon = strrchr(text, ':');

	if (!colon || !colon[1])
		return err_permanent(e, "address(%s) failed: neither unix:/path nor inet:host:port",
			address);
	*colon = '\0';
	size_t n = strlen(host);

	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		host++;
	} else if (strchr(host, ':')) {
		return err_permanent(e, "address(%s) failed: an IPv6 address needs [brackets]",
			address);
	}
	if (!host[0])
		return err_permanent(e, "address(%s) failed: no host", address);
	*host_r = host;
	*port_r = colon + 1;
	return 0;
}

static int find(struct addrinfo **found_r, const char *address, int64_t deadline_us, struct err *e)
{
	size_t prefix = str_istarts(address, "inet:") ? strlen("inet:") : 0;
	_free_ char *text = mem_strdup(address + prefix);
	char *host = NULL, *port = NULL;

	return split(text, address, &host, &port, e) || resolve_host(found_r, host, port, deadline_us, e) ? -1 : 0;
}

/* ---- listening ---- */

/* fd becomes the list's. */
static void add(struct net_listeners *l, int fd, char *address, bool unix_socket, bool inherited)
{
	l->items = mem_realloc(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n++] = (struct net_listener){ fd, address, unix_socket, inherited };
}

/* What the kernel calls it. Caller frees. */
static char *own_name(int fd, bool *is_unix_r)
{
	struct sockaddr_storage own = { 0 };
	socklen_t n = sizeof(own);
	char name[NET_NAME_SIZE];

	*is_unix_r = getsockname(fd, (struct sockaddr *)&own, &n) == 0 && own.ss_family == AF_UNIX;
	if (*is_unix_r)
		return mem_printf("unix:%.*s", (int)sizeof(((struct sockaddr_un *)&own)->sun_path),
			((struct sockaddr_un *)&own)->sun_path);
	return mem_printf("inet:%s", net_peer_name(name, &own));
}

static bool is_answered(const struct sockaddr_un *un)
{
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 || errno != ECONNREFUSED;
}

/* A socket file that nobody answers at is left over from a process that was killed. */
static int remove_stale(const struct sockaddr_un *un, const char *address, struct err *e)
{
	int64_t until_us = 0;
	struct stat st;

	if (lstat(un->sun_path, &st))
		return errno == ENOENT ? 0 : err_errno(e, "lstat", address);
	if (!S_ISSOCK(st.st_mode))
		return err_permanent(e, "bind(%s) failed: the file is no socket", address);
	while (is_answered(un))
		if (!predecessor_may_go(&until_us))
			return err_temporary(e, "bind(%s) failed: another process listens there", address);
	return unlink(un->sun_path) && errno != ENOENT ? err_errno(e, "unlink", address) : 0;
}

/* The file comes into being closed to all others (umask 077) and is opened to the group when all is
 * set. */
static int listen_unix(struct net_listeners *l, const char *address, struct err *e)
{
	struct sockaddr_un un;
	mode_t mask = umask(077);
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = 0;

	if (fd < 0)
		failed = err_errno(e, "socket", address);
	else if (unix_address(&un, address, e) || remove_stale(&un, address, e))
		failed = -1;
	else if (bind(fd, (struct sockaddr *)&un, sizeof(un)))
		failed = err_errno(e, "bind", address);
	else if (listen(fd, BACKLOG))
		failed = err_errno(e, "listen", address);
	else if (chmod(un.sun_path, UNIX_MODE))
		failed = err_errno(e, "chmod", address);
	umask(mask);
	if (failed)
		return -1;
	add(l, fd, mem_strdup(address), true, false);
	fd = -1;
	return 0;
}

static int listen_one_inet(struct net_listeners *l, const struct addrinfo *a, const char *address,
	struct err *e)
{
	const int on = 1;
	int64_t until_us = 0;
	bool unix_socket;
	_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(e, "socket", address);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
		(a->ai_family == AF_INET6 &&
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))))
		return err_errno(e, "setsockopt", address);
	while (bind(fd, a->ai_addr, a->ai_addrlen))
		if (errno != EADDRINUSE || !predecessor_may_go(&until_us))
			return err_errno(e, "bind", address);
	if (listen(fd, BACKLOG))
		return err_errno(e, "listen", address);
	add(l, fd, own_name(fd, &unix_socket), false, false);
	fd = -1;
	return 0;
}

static int listen_inet(struct net_listeners *l, const char *address, struct err *e)
{
	CLEANUP(addrinfo_freep) struct addrinfo *found = NULL;

	if (find(&found, address, clock_monotonic_us() + LISTEN_NAME_US, e))
		return -1;
	for (const struct addrinfo *a = found; a; a = a->ai_next)
		if (listen_one_inet(l, a, address, e))
			return -1;
	return 0;
}

/* TCP_NODELAY set on a listening socket is inherited by what it accepts. */
static int take_inherited(struct net_listeners *l, int n, struct err *e)
{
	const int on = 1;

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
		bool unix_socket;

		if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
			return err_permanent(e, "socket(LISTEN_FDS %d) failed: not listening", fd);
		char *name = own_name(fd, &unix_socket);

		if (!unix_socket)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		add(l, fd, name, unix_socket, true);
	}
	return 0;
}

int net_listen(struct net_listeners *l_r, const char *addresses, struct err *e)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };
	int inherited = sd_listen_fds(1);
	int failed = 0;

	*l_r = (struct net_listeners){ 0 };
	strv_split(&list, addresses, " ,\t");
	if (inherited > 0)
		failed = take_inherited(l_r, inherited, e);
	else if (list.n == 0)
		failed = err_permanent(e, "listen() failed: no address is configured");
	for (size_t i = 0; inherited <= 0 && i < list.n && !failed; i++)
		failed = (is_unix(list.items[i]) ? listen_unix : listen_inet)(l_r, list.items[i], e);
	if (failed)
		net_listeners_deinit(l_r);
	return failed;
}

int net_listeners_chown(const struct net_listeners *l, const char *user, struct err *e)
{
	char storage[16384];
	struct passwd entry, *found = NULL;

	if (!user[0] || geteuid() != 0)
		return 0;
	if (getpwnam_r(user, &entry, storage, sizeof(storage), &found) || !found)
		return err_permanent(e, "getpwnam(%s) failed: no such account", user);
	for (size_t i = 0; i < l->n; i++) {
		const struct net_listener *at = &l->items[i];
		const char *path = at->address + strlen("unix:");
		struct stat st;

		if (!at->is_unix || at->inherited)
			continue;
		if (lstat(path, &st))
			return err_errno(e, "lstat", at->address);
		if (lchown(path, entry.pw_uid, st.st_gid == getegid() ? entry.pw_gid : st.st_gid))
			return err_errno(e, "lchown", at->address);
	}
	return 0;
}

void net_listeners_deinit(struct net_listeners *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct net_listener *at = &l->items[i];

		io_closep(&at->fd);
		if (at->is_unix && !at->inherited)
			unlink(at->address + strlen("unix:"));
		free(at->address);
	}
	free(l->items);
	*l = (struct net_listeners){ 0 };
}

/* ---- connecting ---- */

/* 0 when the connection stands; else -1 with errno. */
static int wait_connected(int fd, int64_t deadline_us)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(errno);
	int reason, ready;

	do {
		int64_t left = deadline_us - clock_monotonic_us();

		ready = poll(&p, 1, left > 0 ? (int)(left / 1000 + 1) : 0);
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		errno = ETIMEDOUT;
	if (ready <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &n))
		return -1;
	errno = reason;
	return reason ? -1 : 0;
}

/* A connected blocking socket, or -1 with errno. */
static int connect_one(const struct sockaddr *to, socklen_t n, int64_t deadline_us)
{
	const int on = 1;
	_close_ int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int done;

	if (fd < 0)
		return -1;
	if (connect(fd, to, n) && (errno != EINPROGRESS || wait_connected(fd, deadline_us)))
		return -1;
	if (fcntl(fd, F_SETFL, 0))
		return -1;
	if (to->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	done = fd;
	fd = -1;
	return done;
}

int net_connect(const char *address, int64_t timeout_us, struct err *e)
{
	CLEANUP(addrinfo_freep) struct addrinfo *found = NULL;
	int64_t deadline = clock_monotonic_us() + timeout_us;
	struct sockaddr_un un;
	int fd = -1;

	if (is_unix(address)) {
		if (unix_address(&un, address, e))
			return -1;
		fd = connect_one((struct sockaddr *)&un, sizeof(un), deadline);
	} else {
		if (find(&found, address, deadline, e))
			return -1;
		for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
			fd = connect_one(a->ai_addr, a->ai_addrlen, deadline);
	}
	return fd >= 0 ? fd : err_errno(e, "connect", address);
}

char *net_peer_name(char text[NET_NAME_SIZE], const struct sockaddr_storage *peer)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
	char host[INET6_ADDRSTRLEN] = "";

	if (peer->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(text, NET_NAME_SIZE, "%s:%u", host, ntohs(v4->sin_port));
	} else if (peer->ss_family == AF_INET6) {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);

		inet_ntop(mapped ? AF_INET : AF_INET6, v6->sin6_addr.s6_addr + (mapped ? 12 : 0),
			host, sizeof(host));
		snprintf(text, NET_NAME_SIZE, mapped ? "%s:%u" : "[%s]:%u", host,
			ntohs(v6->sin6_port));
	} else {
		snprintf(text, NET_NAME_SIZE, "unix");
	}
	return text;
}
