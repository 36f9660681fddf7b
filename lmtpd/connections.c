#include "lmtpd/connections.h"

#include "lmtpd/session.h"
#include "sys/io.h"
#include "sys/net.h"

#include <string.h>

struct connection {
	struct connections *all;
	struct connection *next, **link; /* link: what points to this */
	struct server *server;
	int fd;
	bool trusted;
	char client[NET_NAME_SIZE];
};

static void enlist(struct connection *c)
{
	pthread_mutex_lock(&c->all->lock);
	c->next = c->all->first;
	c->link = &c->all->first;
	if (c->next)
		c->next->link = &c->next;
	c->all->first = c;
	c->all->n++;
	pthread_mutex_unlock(&c->all->lock);
}

/* Closes under the lock, so that connections_cut() never meets a descriptor that is somebody else's
 * by now. */
static void strike_off(struct connection *c, bool close_fd)
{
	struct connections *all = c->all;

	pthread_mutex_lock(&all->lock);
	if (close_fd)
		io_closep(&c->fd);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	free(c);
	all->n--; /* the last thing seen of this thread */
	pthread_mutex_unlock(&all->lock);
}

static void *serve(void *arg)
{
	struct connection *c = arg;

	session_run(c->server, c->fd, c->client, c->trusted);
	strike_off(c, true);
	return NULL;
}

static int start_thread(struct connection *c)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CONNECTION_STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int failed = pthread_create(&thread, &attr, serve, c);

	pthread_attr_destroy(&attr);
	return failed;
}

int connections_add(struct connections *cs, struct server *server, int fd,
	const struct sockaddr_storage *peer, struct err *e)
{
	struct connection *c = MEM_NEW(struct connection);

	c->all = cs;
	c->server = server;
	c->fd = fd;
	c->trusted = peer->ss_family == AF_UNIX;
	net_peer_name(c->client, peer);
	enlist(c);
	int failed = start_thread(c);

	if (!failed)
		return 0;
	strike_off(c, false);
	return err_temporary(e, "pthread_create() failed: %s", strerror(failed));
}

size_t connections_count(struct connections *cs)
{
	pthread_mutex_lock(&cs->lock);
	size_t n = cs->n;
	pthread_mutex_unlock(&cs->lock);

	return n;
}

void connections_cut(struct connections *cs)
{
	pthread_mutex_lock(&cs->lock);
	for (struct connection *c = cs->first; c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&cs->lock);
}
