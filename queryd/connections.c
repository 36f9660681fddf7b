#include "queryd/connections.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SWEEP_US (CLOCK_SECOND / 4)

struct connection {
	struct connection *next, *previous;
	int fd;
	bool busy; /* a whole request is here whose answer is not sent yet */
	int64_t deadline_us;
};

struct connections {
	int64_t timeout_us;
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows and of every connection */
	pthread_cond_t changed;
	struct connection *first;
	unsigned busy;
	bool draining, stop;
};

/* ---- the thread ---- */

/* Caller holds the lock. */
static void sweep(struct connections *c, int64_t now)
{
	for (struct connection *conn = c->first; conn; conn = conn->next) {
		if (now < conn->deadline_us)
			continue;
		shutdown(conn->fd, SHUT_RDWR);
		conn->deadline_us = INT64_MAX;
		log_info(NULL, "connection ended: %s", conn->busy ? "its answer took too long" : "no request in time");
	}
}

static void wait_us(struct connections *c, int64_t us)
{
	int64_t until = clock_monotonic_us() + us;
	struct timespec at = { .tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND * 1000 };

	pthread_cond_timedwait(&c->changed, &c->lock, &at);
}

static void *reap(void *ctx)
{
	struct connections *c = ctx;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		sweep(c, clock_monotonic_us());
		wait_us(c, SWEEP_US);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void init_sync(struct connections *c)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void deinit(struct connections *c)
{
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	free(c);
}

int connections_start(struct connections **c_r, int64_t timeout_us, struct err *e)
{
	struct connections *c = MEM_NEW(struct connections);

	c->timeout_us = timeout_us;
	init_sync(c);
	errno = pthread_create(&c->thread, NULL, reap, c);
	if (errno) {
		err_errno(e, "pthread_create", "connections");
		deinit(c);
		return -1;
	}
	*c_r = c;
	return 0;
}

void connections_stopp(struct connections **c)
{
	if (!*c)
		return;
	pthread_mutex_lock(&(*c)->lock);
	(*c)->stop = true;
	pthread_cond_broadcast(&(*c)->changed);
	pthread_mutex_unlock(&(*c)->lock);
	pthread_join((*c)->thread, NULL);
	deinit(*c);
	*c = NULL;
}

/* ---- one connection ---- */

struct connection *connection_opened(struct connections *c, int fd)
{
	struct connection *conn = MEM_NEW(struct connection);

	conn->fd = fd;
	pthread_mutex_lock(&c->lock);
	conn->deadline_us = clock_monotonic_us() + c->timeout_us;
	conn->next = c->first;
	if (c->first)
		c->first->previous = conn;
	c->first = conn;
	pthread_mutex_unlock(&c->lock);
	return conn;
}

/* Caller holds the lock. */
static void set_busy(struct connections *c, struct connection *conn, bool busy)
{
	if (conn->busy == busy)
		return;
	conn->busy = busy;
	c->busy += busy ? 1u : -1u;
	pthread_cond_broadcast(&c->changed);
}

void connection_closed(struct connections *c, struct connection *conn)
{
	pthread_mutex_lock(&c->lock);
	set_busy(c, conn, false);
	if (conn->next)
		conn->next->previous = conn->previous;
	if (conn->previous)
		conn->previous->next = conn->next;
	else
		c->first = conn->next;
	pthread_mutex_unlock(&c->lock);
	free(conn);
}

/* Of what is longer the deadline is later. */
static void set_deadline(struct connections *c, struct connection *conn, bool busy, uint64_t length)
{
	int64_t extra = (int64_t)(length / CONNECTIONS_RATE_MIN) * CLOCK_SECOND;

	pthread_mutex_lock(&c->lock);
	set_busy(c, conn, busy);
	conn->deadline_us = clock_monotonic_us() + c->timeout_us + extra;
	pthread_mutex_unlock(&c->lock);
}

void connection_busy(struct connections *c, struct connection *conn)
{
	set_deadline(c, conn, true, 0);
}

void connection_receiving(struct connections *c, struct connection *conn)
{
	set_deadline(c, conn, false, 0);
}

void connection_received(struct connections *c, struct connection *conn, uint64_t n)
{
	pthread_mutex_lock(&c->lock);
	const int64_t latest_us = clock_monotonic_us() + c->timeout_us;

	conn->deadline_us += (int64_t)n * CLOCK_SECOND / CONNECTIONS_BODY_RATE_MIN;
	if (conn->deadline_us > latest_us)
		conn->deadline_us = latest_us;
	pthread_mutex_unlock(&c->lock);
}

void connection_answering(struct connections *c, struct connection *conn, uint64_t length)
{
	set_deadline(c, conn, true, length);
}

void connection_given(struct connections *c, struct connection *conn, uint64_t length)
{
	pthread_mutex_lock(&c->lock);
	if (conn->deadline_us != INT64_MAX) /* it is cut off already */
		conn->deadline_us += (int64_t)(length * CLOCK_SECOND / CONNECTIONS_RATE_MIN);
	pthread_mutex_unlock(&c->lock);
}

void connection_idle(struct connections *c, struct connection *conn)
{
	pthread_mutex_lock(&c->lock);
	set_busy(c, conn, false);
	conn->deadline_us = clock_monotonic_us() + c->timeout_us;
	if (c->draining)
		shutdown(conn->fd, SHUT_RD);
	pthread_mutex_unlock(&c->lock);
}

/* ---- the end ---- */

bool connections_draining(struct connections *c)
{
	pthread_mutex_lock(&c->lock);
	bool draining = c->draining;

	pthread_mutex_unlock(&c->lock);
	return draining;
}

unsigned connections_drain(struct connections *c, int64_t timeout_us)
{
	int64_t until = clock_monotonic_us() + timeout_us;

	pthread_mutex_lock(&c->lock);
	c->draining = true;
	for (struct connection *conn = c->first; conn; conn = conn->next)
		if (!conn->busy)
			shutdown(conn->fd, SHUT_RD);
	while (c->busy && clock_monotonic_us() < until)
		wait_us(c, SWEEP_US);
	unsigned left = c->busy;

	pthread_mutex_unlock(&c->lock);
	return left;
}
