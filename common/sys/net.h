/* net: listening and connecting, by the addresses of the configuration: "unix:/path" or "inet:host:port"
 * ("inet:[::1]:24"; port 0 picks one). Sockets handed over by systemd (LISTEN_FDS) are taken in place of the configured
 * ones. All descriptors are close-on-exec; TCP sockets have TCP_NODELAY. */
#ifndef SYS_NET_H
#define SYS_NET_H

#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct net_listener {
	int fd;
	char *address; /* as configured, or as the kernel says for port 0 and inherited sockets */
	bool is_unix;
	bool inherited; /* from systemd: its file is not ours to remove */
};

struct net_listeners {
	struct net_listener *items;
	size_t n;
};

/* Opens every address of a blank- or comma-separated list, or takes systemd's sockets. A stale Unix socket is replaced;
 * an address at which somebody else goes on listening (sys/predecessor.h) is a temporary error. Unix sockets get mode 0660. */
int net_listen(struct net_listeners *l_r, const char *addresses, struct err *e) MUST_CHECK;

/* Gives the Unix socket files that net_listen() made to the account `user`; for root, before it becomes that account. A
 * group that a file has from its directory (setgid) stays. Does nothing when user is "" or we are not root. */
int net_listeners_chown(const struct net_listeners *l, const char *user, struct err *e) MUST_CHECK;

/* Closes and removes Unix socket files that net_listen() made itself. */
void net_listeners_deinit(struct net_listeners *l);

/* A connected stream socket. timeout_us covers the look-up of the name and the connection. Caller closes. -1 with *e. */
int net_connect(const char *address, int64_t timeout_us, struct err *e) MUST_CHECK;

/* "192.0.2.1:2525", "[2001:db8::1]:25" or "unix"; returns text. */
#define NET_NAME_SIZE 64
char *net_peer_name(char text[NET_NAME_SIZE], const struct sockaddr_storage *peer);

/* A list of networks: "127.0.0.0/8 ::1 192.0.2.7". -1 permanent, also for bits set behind the prefix ("10.0.0.1/8"),
 * which is nearly always a slip. */
struct net_allow;
int net_allow_parse(struct net_allow **a_r, const char *networks, struct err *e) MUST_CHECK;
bool net_allow_has(const struct net_allow *a, const struct sockaddr_storage *peer); /* Unix peers always are in it */
void net_allow_freep(struct net_allow **a);

#endif
